/**
 * News of a node for whichever server holds its channel: there may be mail, it is to be cut off, or a
 * frame that isn't durable. Lost news does no harm that the sweeps don't mend.
 */
import { decodeFrame, encodeFrame, type Frame } from '@rollcall/wire';
import type { TextBus } from '../bus/index.ts';
import { readObject } from './hello.ts';

/** What may be said of a node. */
export type NodeNews =
  | { readonly kind: 'wake' }
  | { readonly kind: 'cut'; readonly reason: string }
  | { readonly kind: 'frame'; readonly frame: Frame };

/** The nodes that this server listens for. */
export interface News {
  follow(nodeId: string): void;
  unfollow(nodeId: string): void;
  publish(nodeId: string, news: NodeNews): void;
  close(): void;
}

const subjectPrefix = 'node.';

/** The subject of a node. An empty message on it is a wake-up: anybody may publish that. */
export function nodeSubject(nodeId: string): string {
  return subjectPrefix + nodeId;
}

/** Opens the news; without a bus there is nobody to hear from. */
export function openNews(bus: TextBus | undefined, heard: (news: NodeNews, nodeId: string) => void): News {
  const followed = new Map<string, () => void>();
  // One function for all nodes, since there are thousands.
  const hear = (message: string, subject: string) => {
    const news = readNews(message);
    if (news) heard(news, subject.slice(subjectPrefix.length));
  };
  return {
    follow(nodeId) {
      if (bus && !followed.has(nodeId)) followed.set(nodeId, bus.subscribe(nodeSubject(nodeId), hear));
    },
    unfollow(nodeId) {
      followed.get(nodeId)?.();
      followed.delete(nodeId);
    },
    publish(nodeId, news) {
      bus?.publish(nodeSubject(nodeId), writeNews(news));
    },
    close() {
      for (const end of followed.values()) end();
      followed.clear();
    },
  };
}

function writeNews(news: NodeNews): string {
  if (news.kind === 'wake') return '';
  if (news.kind === 'cut') return JSON.stringify({ cut: news.reason });
  return JSON.stringify({ frame: encodeFrame(news.frame).toString('base64') });
}

function readNews(message: string): NodeNews | undefined {
  if (message === '') return { kind: 'wake' };
  const value = readObject(message);
  if (typeof value?.cut === 'string') return { kind: 'cut', reason: value.cut };
  if (typeof value?.frame !== 'string') return undefined;
  try {
    return { kind: 'frame', frame: decodeFrame(Buffer.from(value.frame, 'base64')) };
  } catch {
    return undefined;
  }
}
