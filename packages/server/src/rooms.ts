/**
 * The rooms of the server, opened from left to right, with the hooks that go the other way. Everything that is
 * known of which room needs which stands here, and nowhere else.
 */
import { randomUUID, X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { openActivations } from './activations/index.ts';
import { openAssociations } from './associations/index.ts';
import { openAudit } from './audit/index.ts';
import { openBus, textBus } from './bus/index.ts';
import {
  type Certificates,
  machineAddresses,
  machineNames,
  openCertificates,
  shownSince,
} from './certificates/index.ts';
import { openChannels } from './channels/index.ts';
import type { Clock } from './clock.ts';
import { type Commands, openCommands } from './commands/index.ts';
import { openDocuments } from './documents/index.ts';
import { openEvents } from './events/index.ts';
import { openIdentity, secretsBox } from './identity/index.ts';
import { openKnocks } from './knocks/index.ts';
import { type NodeNews, type Nodes, openNodes } from './nodes/index.ts';
import { openPresence } from './presence/index.ts';
import { openRoster } from './roster/index.ts';
import { openSettings } from './settings/index.ts';
import { claimsInOurBooks, isInOurBooks, refusalsOf } from './startup/books.ts';
import { checkContinuity } from './startup/continuity.ts';
import { readSecretsKey } from './startup/data-folder.ts';
import type { House } from './startup/house.ts';
import type { UpOptions } from './startup/options.ts';
import { type GroupReport, openStore, type WriteTx } from './store/index.ts';
import { openTags } from './tags/index.ts';
import { openVerdicts, roomProblems, tellDeregistration } from './verdicts/index.ts';

/** What the rooms are opened with. */
export interface RoomsDeps {
  readonly options: UpOptions;
  readonly publicUrls: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly house: House;
  /** Told before and after each commit. */
  readonly observe?: (report: GroupReport) => void;
}

const mebibyte = 1_048_576;

/** What ARNs call the resources that can be tagged, and what the tags call them. */
const taggedKinds: Readonly<Record<string, string>> = { activation: 'Activation', document: 'Document' };

/** Everything that is open. */
export type Rooms = Awaited<ReturnType<typeof openRooms>>;

/** Opens the rooms. Each puts its own end into the house; `channels` ends with the door. */
export async function openRooms({ options, publicUrls, clock, log, house, observe }: RoomsDeps) {
  const { account, regions, data } = options;
  const store = await openStore(
    options.store.kind === 'sqlite' ? { kind: 'sqlite', directory: data } : options.store,
    { clock, report: house.onError('in the store'), ...(observe && { observe }) },
  );
  house.closes(() => store.close());
  await checkContinuity(store, options);
  const secretsKey = await readSecretsKey(data);
  const settings = await openSettings({ store, clock });
  house.closes(() => settings.close());
  const bus = openBus({ report: house.onError('on the bus') });
  house.closes(() => bus.close());

  const certificates = await openCertificates({
    directory: data,
    clock,
    names: {
      publicUrls,
      regions,
      hostNames: machineNames,
      addresses: machineAddresses,
      ...(options.domain === undefined ? {} : { domain: options.domain }),
    },
    ...(options.tlsCert && options.tlsKey
      ? { own: { certFile: options.tlsCert, keyFile: options.tlsKey } }
      : {}),
    makeSuccessor: options.successorCa,
    onProblem: house.onError('the certificate could not be renewed; the one in use stays'),
  });
  house.closes(() => certificates.close());
  let authorityChangedAt: number | undefined;
  const noteAuthority = () => {
    try {
      authorityChangedAt = shownSince(data, certificates.caFingerprint, clock.now());
    } catch (error) {
      house.onError('since when the authority is shown could not be noted')(error as Error);
    }
  };
  noteAuthority();
  certificates.onChange(noteAuthority);

  const knocks = openKnocks({
    store,
    clock,
    isKnown: (claim) => isInOurBooks(store, claim),
    knownClaims: () => claimsInOurBooks(store),
    retentionDays: () => ({
      known: settings.get('retention-knocks-known-days'),
      stranger: settings.get('retention-knocks-strangers-days'),
    }),
    onError: house.onError('knocks could not be written; they are kept'),
  });
  house.closes(() => knocks.close());
  const audit = openAudit({
    store,
    clock,
    retentionDays: () => settings.get('retention-audit-days'),
    onError: house.onError('refusals could not be written; they are kept'),
  });
  house.closes(() => audit.close());
  const events = openEvents({ store, clock, retentionDays: () => settings.get('retention-events-days') });

  let nodes: Nodes | undefined;
  let commands: Commands | undefined;
  const tags = openTags({ store, clock });
  const documents = openDocuments({ store, account, tags });
  const identity = openIdentity({
    store,
    clock,
    account,
    regions,
    secretsKey,
    credentialLifetime: () => settings.get('node-credential-minutes') * 60_000,
    hooks: {
      findNode: async (nodeId) => nodes?.findNode(nodeId),
      findTags: (region, arn) => tagsOfArn(region, arn),
    },
  });
  const tagsOfArn = async (region: string, arn: string): Promise<Record<string, string>> => {
    const [type, id] = arn.slice(arn.lastIndexOf(':') + 1).split('/') as [string, string | undefined];
    const kind = taggedKinds[type] ?? 'ManagedInstance';
    const found = id === undefined ? [] : await store.read((tx) => tags.of(tx, region, kind, id));
    return Object.fromEntries(found.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
  };

  const serverId = randomUUID();
  const presence = await openPresence({
    store,
    clock,
    serverId,
    // The folder's lock keeps a second server off SQLite.
    alone: options.store.kind === 'sqlite',
    earlyLoss: () => settings.get('early-loss'),
    retentionDays: () => settings.get('retention-presence-days'),
    onError: house.onError('the lease could not be renewed'),
    hooks: {
      onMassLoss({ nodes: lost }) {
        const detail = `${lost} nodes lost their channels at once: the fault is likely near this server. They are not shown as lost before their heartbeats stay away.`;
        void store
          .write((tx) =>
            events.record(tx, { region: regions[0]!, kind: 'mass-loss', subject: serverId, detail }),
          )
          .catch(house.onError('an event could not be written'));
      },
    },
  });
  house.closes(() => presence.close());

  const associations = openAssociations({ store, account, clock });
  const happened = (tx: WriteTx, { region, nodeId }: NodeNews, kind: string, detail: string) =>
    events.record(tx, { region, kind: `node-${kind}`, subject: nodeId, detail });
  const theNodes = openNodes({
    store,
    clock,
    account,
    presence,
    tags,
    events,
    mintNodeCredentials: identity.mintNodeCredentials,
    keyGrace: () => settings.get('key-grace-hours') * 3_600_000,
    trustOf(call) {
      const successor = certificates.successorFingerprint;
      const told = call.headers['x-rollcall-trusts']?.split(',') ?? [];
      return successor !== undefined && told.includes(successor) ? successor : certificates.caFingerprint;
    },
    hooks: {
      async registered(tx, node) {
        await associations.registered(tx, node);
        await happened(
          tx,
          node,
          'registered',
          'It registered, or was restored: the audit trail says by whom.',
        );
        tx.afterCommit(() => {
          knocks.learn(node.nodeId);
          roster.changed(node.region);
        });
      },
      async gone(tx, node) {
        await tellDeregistration(tx, events, node, clock.now());
        await commands?.gone(tx, node);
        tx.afterCommit(() => {
          channels.disconnect(node.nodeId, 'deregistered');
          roster.changed(node.region);
        });
      },
      documentPlatforms: documents.platformsOf,
    },
  });
  nodes = theNodes;
  const activations = openActivations({
    store,
    clock,
    account,
    regions,
    nodes: theNodes,
    guessesPerMinute: () => settings.get('activation-guess-limit'),
    hooks: { refusals: (activationId) => refusalsOf(store, activationId) },
  });

  const box = secretsBox(secretsKey, 'roster sources');
  const roster = openRoster({
    store,
    clock,
    account,
    regions,
    presence,
    events,
    ...box,
    onError: house.onError('roster sources could not be looked after; tried again'),
  });
  house.closes(() => roster.close());

  const theCommands = openCommands({
    store,
    clock,
    account,
    presence,
    documents,
    serverId,
    decide: identity.decide,
    outputLimit: () => settings.get('output-limit-mebibytes') * mebibyte,
    outputsLimit: () => settings.get('outputs-limit-mebibytes') * mebibyte,
    retentionDays: () => settings.get('retention-commands-days'),
    bus: textBus(bus),
    hooks: { wake: (nodeId) => channels.wake(nodeId) },
    onError: house.onError('overdue commands could not be given up; tried again'),
  });
  commands = theCommands;
  house.closes(() => theCommands.close());

  const channels = openChannels({
    clock,
    presence,
    mailbox: theCommands.mailbox,
    bus: textBus(bus),
    log,
    hooks: {
      turnedAway({ source, region }, nodeId, reason) {
        const { address, userAgent: client, serverName } = source;
        knocks.note({ address, client, serverName, region, reason, claim: nodeId, layer: 'http' });
      },
    },
  });
  house.closes(() => channels.close());

  const verdicts = openVerdicts({
    store,
    clock,
    account,
    regions,
    presence,
    roster,
    documents,
    events,
    serverId,
    decide: identity.decide,
    own: () => ({ certificate: ownCertificate(certificates, authorityChangedAt), publicUrls }),
    isPolling: channels.isPolling,
    ownProblems: () => roomProblems(data),
    timeToVisible: () => settings.get('time-to-visible-seconds'),
    retentionDays: () => settings.get('retention-verdicts-days'),
    onError: house.onError('what has changed could not be looked at; tried again'),
  });
  house.closes(() => verdicts.close());

  return {
    store,
    settings,
    certificates,
    knocks,
    audit,
    events,
    tags,
    identity,
    presence,
    nodes: theNodes,
    documents,
    activations,
    associations,
    commands: theCommands,
    channels,
    roster,
    verdicts,
  };
}

/** What others see of the certificate. */
function ownCertificate(certificates: Certificates, changedAt: number | undefined) {
  const { cert } = certificates.context();
  const { fingerprint256, validFromDate } = new X509Certificate(cert);
  const { dns, addresses } = certificates.names;
  return {
    notBefore: validFromDate.getTime(),
    notAfter: certificates.notAfter,
    names: [...dns, ...addresses],
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    caFingerprint: certificates.caFingerprint,
    ...(changedAt === undefined ? {} : { changedAt }),
  };
}
