/** Starting the machine again when a command asks for it, and telling afterwards that it was. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Starts the machine again, in a moment. Rejects when it can't. */
export type Reboot = () => Promise<void>;

/** As agent 3.3.0.0: in a minute, so that what is to be reported can be. */
export function systemReboot(): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('shutdown', ['-r', '+1', 'A command asked for a reboot.'], { timeout: 10_000 }, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** What is another after each start of the machine; empty where that can't be told. */
export function systemBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
