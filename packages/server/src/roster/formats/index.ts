/** The forms in which a roster comes. */
import type { RosterRead } from '../machine.ts';

export type RosterFormat = 'csv' | 'ansible' | 'ec2' | 'hosts' | 'json';

/** Reads a text in one of the forms. */
export async function readRoster(format: RosterFormat, text: string): Promise<RosterRead> {
  // Each is loaded when it is needed: the parser of YAML alone takes 25 ms.
  switch (format) {
    case 'csv':
      return (await import('./csv.ts')).readCsv(text);
    case 'ansible':
      return (await import('./ansible.ts')).readAnsible(text);
    case 'ec2':
      return (await import('./ec2.ts')).readEc2(text);
    case 'hosts':
      return (await import('./hosts.ts')).readHosts(text);
    case 'json':
      return (await import('./json.ts')).readJson(text);
  }
}
