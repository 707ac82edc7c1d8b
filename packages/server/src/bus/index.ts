/**
 * News between the parts of the server, and later between servers: fire and forget. Whoever needs to know
 * for certain looks into the store. This one stays in the process; one over the network has the same form.
 */

/** Called with each message on a subject. */
export type BusHandler = (message: Uint8Array, subject: string) => void;

/** Carries messages by subject, to everybody who listens at that moment. */
export interface Bus {
  /** Sends and forgets: never throws, never waits. The bytes are the bus's from now on. */
  publish(subject: string, message: Uint8Array): void;
  /** Hears what is published on exactly this subject from now on; the answer ends that. */
  subscribe(subject: string, handler: BusHandler): () => void;
  /** Hears and carries nothing any more. */
  close(): Promise<void>;
}

/** What may be passed in. */
export interface BusOptions {
  /** Told when a handler throws: a bug that must not harm the others. */
  report?(error: unknown): void;
}

/** Opens a bus within this process. Like one over a network, it delivers after the publisher went on. */
export function openBus(options: BusOptions = {}): Bus {
  // Most subjects are a node's, with one listener each: a list that is replaced costs a third of a set.
  const handlers = new Map<string, readonly BusHandler[]>();
  const report = options.report ?? ((error) => process.emitWarning(String(error)));
  return {
    publish(subject, message) {
      if (!handlers.has(subject)) return;
      queueMicrotask(() => {
        for (const handler of handlers.get(subject) ?? []) {
          try {
            handler(message, subject);
          } catch (error) {
            report(error);
          }
        }
      });
    },
    subscribe(subject, handler) {
      // A function may listen twice: each subscription is its own.
      const before = handlers.get(subject);
      handlers.set(subject, before ? [...before, handler] : [handler]);
      let ended = false;
      return () => {
        const listening = handlers.get(subject);
        if (ended || !listening) return;
        ended = true;
        const left = listening.toSpliced(listening.indexOf(handler), 1);
        if (left.length > 0) handlers.set(subject, left);
        else handlers.delete(subject);
      };
    },
    async close() {
      handlers.clear();
    },
  };
}

/** A bus for those whose messages are text. */
export interface TextBus {
  publish(subject: string, message: string): void;
  subscribe(subject: string, handler: (message: string, subject: string) => void): () => void;
}

/** The same bus, with messages as text (UTF-8). */
export function textBus(bus: Bus): TextBus {
  // One for each handler, however many subjects it listens to.
  const readers = new WeakMap<(message: string, subject: string) => void, BusHandler>();
  return {
    publish: (subject, message) => bus.publish(subject, Buffer.from(message)),
    subscribe(subject, handler) {
      const reader: BusHandler =
        readers.get(handler) ?? ((message, name) => handler(Buffer.from(message).toString(), name));
      readers.set(handler, reader);
      return bus.subscribe(subject, reader);
    },
  };
}
