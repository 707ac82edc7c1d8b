/** The ids of commands: they come from outside and become names of folders, so only what looks like one is one. */

/** Whether a text is a command's id: a UUID, as the server makes them. */
export function isCommandId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** The command's id in a job's, `aws.ssm.COMMAND-ID.NODE-ID`; undefined when there is none, or one of another form. */
export function commandIdOf(jobId: string): string | undefined {
  const id = jobId.split('.').at(-2);
  return id !== undefined && isCommandId(id) ? id : undefined;
}
