/** The least version of the official agent that a document needs, where that isn't any. From AWS's user guide. */
export const minimumVersions: Readonly<Record<string, string>> = {
  'SSM-SessionManagerRunShell': '2.3.68.0',
  'AWS-StartInteractiveCommand': '2.3.68.0',
  'AWS-StartPortForwardingSession': '2.3.672.0',
  'AWS-StartSSHSession': '2.3.672.0',
  'AWS-StartPortForwardingSessionToRemoteHost': '3.1.1374.0',
};

/** Whether a dotted version is older than another. */
export function isOlder(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10) || 0),
  );
  for (let at = 0; at < Math.max(a!.length, b!.length); at++) {
    const difference = (a![at] ?? 0) - (b![at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
