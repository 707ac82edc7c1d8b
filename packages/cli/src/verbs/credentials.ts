/** `rollcall credentials`: what `credential_process` of an AWS profile calls. */
import type { Command } from 'commander';
import { findConnection } from '../context.ts';
import type { Io } from '../io.ts';
import { dataOption, type SharedOptions } from '../options.ts';

/** Declares `credentials`. */
export function credentials(command: Command, io: Io): void {
  dataOption(command.description("Prints the data folder's keys as JSON, for credential_process."))
    .addHelpText('after', '\nThe profile that calls this: rollcall env --profile')
    .action((options: SharedOptions) => {
      const { accessKeyId, secretAccessKey, sessionToken } = findConnection(io, options);
      const answer = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
      io.stdout.write(
        `${JSON.stringify(sessionToken ? { ...answer, SessionToken: sessionToken } : answer)}\n`,
      );
    });
}
