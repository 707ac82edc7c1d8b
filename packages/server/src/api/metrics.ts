/**
 * What the server counts, in Prometheus' text form, on an address of its own: loopback unless told otherwise,
 * and never on the public port.
 */
import type { Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the door tells the metrics. */
export interface Metrics {
  answered(
    service: string,
    operation: string,
    outcome: 'ok' | 'refused' | 'error',
    milliseconds: number,
  ): void;
  /** Registers a figure that is read when somebody looks. */
  gauge(name: string, help: string, read: () => number): void;
  /** Everything, as text. */
  text(): Promise<string>;
}

/** Opens a registry; nothing is global, so that two servers in one process don't mix. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  let looked = false;
  const calls = new Counter({
    name: 'rollcall_calls_total',
    help: 'Calls answered, by operation and outcome.',
    labelNames: ['service', 'operation', 'outcome'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'rollcall_call_seconds',
    help: 'Time from the first byte of a call to its answer.',
    labelNames: ['service'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 20],
    registers: [registry],
  });
  return {
    answered(service, operation, outcome, milliseconds) {
      calls.inc({ service, operation, outcome });
      seconds.observe({ service }, milliseconds / 1000);
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    text() {
      // Node's own figures are taken from the first look on: measuring how late the event loop is wakes an idle
      // server a hundred times a second.
      if (!looked) collectDefaultMetrics({ register: registry });
      looked = true;
      return registry.metrics();
    },
  };
}

/** Serves the metrics over plain HTTP. Resolves when it listens; rejects with the system's error. */
export function serveMetrics(metrics: Metrics, host: string, port: number): Promise<Server> {
  // An import would load all that can be had from there, a client for websockets among it: 6 MiB.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(await metrics.text());
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}
