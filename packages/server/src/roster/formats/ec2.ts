/** What `aws ec2 describe-instances` answers, JSON; also of several pages after one another, or a list of instances. */
import { type RosterRead, RosterReader } from '../machine.ts';
import { parseJson } from './json.ts';

interface Instance {
  readonly InstanceId?: unknown;
  readonly State?: { readonly Name?: unknown };
  readonly PrivateDnsName?: unknown;
  readonly PrivateIpAddress?: unknown;
  readonly PublicIpAddress?: unknown;
  readonly Tags?: unknown;
  readonly NetworkInterfaces?: unknown;
}

/** Reads it. Instances that are terminated aren't listed any more. */
export function readEc2(text: string): RosterRead {
  const reader = new RosterReader();
  const parsed = parseJson(text, reader);
  if (!parsed) return reader.done();
  const instances = instancesIn(parsed.value);
  if (!instances) {
    reader.problem(
      0,
      "It has no Reservations: it must be what 'aws ec2 describe-instances' answers (--output json).",
    );
    return reader.done();
  }
  for (const [index, instance] of instances.entries()) {
    if (reader.full) break;
    const id = textOf(instance.InstanceId);
    const state = textOf(instance.State?.Name) ?? '';
    if (id === undefined) {
      reader.problem(index + 1, 'It has no InstanceId.');
      continue;
    }
    if (state === 'terminated' || state === 'shutting-down') continue;
    const interfaces = objects(instance.NetworkInterfaces);
    const name = objects(instance.Tags).find((tag) => tag.Key === 'Name');
    const ips = interfaces.flatMap((one) => [
      textOf(one.PrivateIpAddress),
      ...objects(one.PrivateIpAddresses).map((address) => textOf(address.PrivateIpAddress)),
      ...objects(one.Ipv6Addresses).map((address) => textOf(address.Ipv6Address)),
    ]);
    reader.add({
      line: index + 1,
      key: id,
      nodeId: id,
      names: given([textOf(name?.Value) || undefined, textOf(instance.PrivateDnsName) || undefined, id]),
      addresses: given([textOf(instance.PrivateIpAddress), textOf(instance.PublicIpAddress), ...ips]),
      macs: given(interfaces.map((one) => textOf(one.MacAddress))),
      power: state,
    });
  }
  return reader.done();
}

function instancesIn(value: unknown): readonly Instance[] | undefined {
  const pages = Array.isArray(value) ? value : [value];
  const reservations = pages.flatMap((page) => {
    if (Array.isArray(page)) return page;
    const inside = (page as { Reservations?: unknown } | null)?.Reservations;
    return Array.isArray(inside) ? inside : (page as { Instances?: unknown } | null)?.Instances ? [page] : [];
  });
  const instances = objects(reservations).flatMap((one) =>
    'InstanceId' in one ? [one] : objects(one.Instances),
  );
  const direct = objects(pages).filter((one) => 'InstanceId' in one);
  const empty = pages.some((page) =>
    Array.isArray((page as { Reservations?: unknown } | null)?.Reservations),
  );
  if (instances.length === 0 && direct.length === 0 && !empty) return undefined;
  return [...direct, ...instances];
}

function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function given(values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined);
}
