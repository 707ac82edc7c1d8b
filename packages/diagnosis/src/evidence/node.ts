/**
 * What was seen on the machine itself: by our doctor, by our agent, or by the script for machines that have
 * neither. A member that is absent was not looked at or could not be seen; `unseen` says which and why. Nothing
 * here is a judgement. Times are milliseconds since the epoch, by the machine's own clock.
 */

/** Who looked. */
export type Collector = 'doctor' | 'agent' | 'script';

/** Evidence of one machine, at one moment. */
export interface NodeEvidence {
  readonly format: 1;
  readonly at: number;
  /** For how long it was kept before it could be sent, in milliseconds. Absent: it was sent at once. */
  readonly heldMs?: number;
  readonly by: Collector;
  /** Whether whoever looked was root. */
  readonly privileged: boolean;
  /** What could not be seen, and why: `agent log`, `permission denied`. */
  readonly unseen: readonly { readonly what: string; readonly why: string }[];
  readonly host: HostEvidence;
  readonly agents: readonly AgentEvidence[];
  readonly resources?: ResourceEvidence;
  readonly clock?: ClockEvidence;
  readonly network?: NetworkEvidence;
  readonly proxy?: ProxyEvidence;
  /** Every endpoint that the agent's own configuration leads to, as it would reach it. */
  readonly endpoints: readonly EndpointEvidence[];
  readonly metadata?: MetadataEvidence;
}

/** The machine. */
export interface HostEvidence {
  readonly name: string;
  readonly os: { readonly id: string; readonly name: string; readonly version: string };
  readonly platform: 'Linux' | 'MacOS' | 'Windows' | 'other';
  readonly kernel: string;
  readonly arch: string;
  readonly libc?: { readonly kind: 'glibc' | 'musl' | 'other'; readonly version: string };
  readonly bootAt?: number;
  readonly bootId?: string;
  readonly machineId?: string;
  /** SMBIOS: upper-case UUID and maker. */
  readonly systemUuid?: string;
  readonly systemVendor?: string;
  readonly addresses: readonly string[];
  readonly macs: readonly string[];
  readonly init?: 'systemd' | 'openrc' | 'sysvinit' | 'upstart' | 'launchd' | 'windows' | 'none' | 'other';
  readonly container?: boolean;
  readonly timeZone?: string;
  /** TCP ports that something listens on: what would mind a step of the clock. Absent: not looked at. */
  readonly listens?: readonly number[];
  /** Windows: how far its image is set up; agents wait for `IMAGE_STATE_COMPLETE`. */
  readonly imageState?: string;
  /** Whether the kernel runs in FIPS mode. */
  readonly fips?: boolean;
}

/** One agent that is installed, registered or running. */
export interface AgentEvidence {
  readonly kind: 'rollcall' | 'official';
  /** How it came here; `files` is a binary that no package manager knows. */
  readonly packaging: 'deb' | 'rpm' | 'snap' | 'files' | 'rollcall' | 'none';
  readonly binary?: string;
  readonly version?: string;
  /** The channel that snap follows. */
  readonly snapChannel?: string;
  readonly service?: ServiceEvidence;
  /** Running processes of it. Zero of them is an empty list; absent when they could not be listed. */
  readonly processes?: readonly ProcessEvidence[];
  readonly identity?: AgentIdentityEvidence;
  readonly configuration?: AgentConfigurationEvidence;
  readonly log?: AgentLogEvidence;
  /** Whether it waits before it tries again, and until when. */
  readonly waiting?: { readonly until: number; readonly reason: string; readonly source: string };
  /** What our agent says of itself. */
  readonly status?: {
    readonly state: string;
    readonly at: number;
    readonly lastHeartbeatAt?: number;
    readonly lastHeartbeatOk?: boolean;
    readonly lastError?: string;
    readonly channelOpenSince?: number;
  };
}

/** The service as its manager has it. */
export interface ServiceEvidence {
  readonly manager: 'systemd' | 'snap' | 'openrc' | 'upstart' | 'launchd' | 'windows';
  readonly name: string;
  readonly active: boolean;
  /** The manager's own word: `inactive`, `failed`, `activating`. */
  readonly state: string;
  readonly enabled?: boolean;
  readonly masked?: boolean;
  readonly restarts?: number;
  readonly lastExit?: { readonly code?: number; readonly signal?: string; readonly at?: number };
  readonly user?: string;
  /** Environment of the unit, drop-ins included; names only but for proxies and trust. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A process. */
export interface ProcessEvidence {
  readonly pid: number;
  readonly name: string;
  readonly exe?: string;
  /** The kernel's letter: `T` is stopped, `D` waits for a disk, `Z` is dead. */
  readonly state?: string;
  readonly user?: string;
  readonly startedAt?: number;
  /** Of its environment: proxies, trust and the account's home only. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly openFiles?: { readonly count: number; readonly limit: number };
  readonly container?: boolean;
}

/** Who the agent thinks that it is. */
export interface AgentIdentityEvidence {
  readonly kind: 'activation' | 'ec2' | 'none';
  readonly nodeId?: string;
  readonly region?: string;
  /** Where it is registered: our agent's server, or what the official one's configuration leads to. */
  readonly server?: string;
  readonly registeredAt?: number;
  /** What is wrong with its files, in their own words. */
  readonly damage?: readonly string[];
  /** A registration that the service no longer knows was found beside it. */
  readonly ec2Id?: string;
  /** The fields of the hardware that differ from those that were registered. */
  readonly fingerprint?: {
    readonly matches: boolean;
    readonly changed: readonly { readonly field: string; readonly was: string; readonly is: string }[];
    readonly threshold?: number;
  };
  /** Whom the official agent runs as, by its own runtime settings: `OnPrem`, `EC2`. */
  readonly running?: { readonly nodeId: string; readonly kind: string };
  /** Credentials that the official agent holds: who gave them, and until when they are good. */
  readonly credentials?: { readonly source?: string; readonly expiresAt?: number };
  /** Boot id and first MAC under which our agent saved its key. */
  readonly witness?: { readonly machineId?: string; readonly same: boolean };
}

/** Its settings, as far as they matter for whether it gets through. */
export interface AgentConfigurationEvidence {
  readonly files: readonly {
    readonly path: string;
    readonly problem?: string;
    readonly changedAt?: number;
  }[];
  readonly region?: string;
  readonly serviceDomain?: string;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly healthMinutes?: number;
  readonly identityOrder?: readonly string[];
  readonly containerMode?: boolean;
  /** A template was edited, and there is no file that is read. */
  readonly onlyTemplateEdited?: boolean;
}

/** What its log says last. Lines are redacted, cut, and at most a few. */
export interface AgentLogEvidence {
  readonly path: string;
  readonly lastAt?: number;
  readonly lines: readonly { readonly at?: number; readonly level?: string; readonly text: string }[];
}

/** Room. */
export interface ResourceEvidence {
  readonly disks: readonly {
    readonly path: string;
    readonly mount: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly freeInodes?: number;
    readonly totalInodes?: number;
    readonly readOnly?: boolean;
    readonly noexec?: boolean;
    /** What a write of a few bytes answered; absent when none was tried. */
    readonly write?: 'ok' | string;
  }[];
  readonly memory?: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    /** Kills of an agent's process for want of memory, newest last. */
    readonly kills?: readonly { readonly at?: number; readonly process: string }[];
  };
  /** The share of time in which everything waited, percent over a minute (PSI `full`; for the CPU `some`). */
  readonly pressure?: { readonly cpu?: number; readonly memory?: number; readonly io?: number };
  readonly load?: number;
  readonly cores?: number;
  readonly inotify?: {
    readonly instances?: number;
    readonly maxInstances?: number;
    readonly watches?: number;
    readonly maxWatches?: number;
  };
  readonly files?: { readonly open: number; readonly max: number };
  readonly processes?: { readonly count: number; readonly max: number };
  /** Entries in the folder where the agent keeps what commands leave. */
  readonly orchestrationEntries?: number;
  readonly security?: {
    readonly selinux?: 'enforcing' | 'permissive' | 'disabled';
    readonly apparmor?: boolean;
    /** Audit lines that name an agent's binary. */
    readonly denials?: readonly string[];
  };
}

/** The clock, against others. */
export interface ClockEvidence {
  /** How far this machine's clock is ahead, in milliseconds, by what the server's answer said. */
  readonly aheadMs?: number;
  readonly source?: string;
  readonly synchronized?: boolean;
  /** Who keeps it: `chrony`, `timesyncd`, `ntpd`. */
  readonly service?: 'chrony' | 'timesyncd' | 'ntpd';
  readonly timeZone?: string;
}

/** The way out. */
export interface NetworkEvidence {
  readonly defaultRoute4?: { readonly via?: string; readonly device: string };
  readonly defaultRoute6?: { readonly via?: string; readonly device: string };
  readonly resolvers: readonly string[];
  readonly searchDomains?: readonly string[];
  /** Sources of names in their order, as the system's own resolver asks them (`nsswitch.conf`). */
  readonly nameSources?: readonly string[];
  /** Lines of `/etc/hosts` that name an endpoint. */
  readonly hostsEntries?: readonly string[];
  /** Rules of this machine's own firewall that could stop what the agent sends. */
  readonly firewall?: {
    readonly kind: string;
    readonly outputPolicy?: string;
    /** The default of what comes in, where no rule lets answers in. Absent: they are let in, or nobody can tell. */
    readonly answersDropped?: string;
    readonly rules: readonly string[];
  };
  readonly interfaces: readonly {
    readonly name: string;
    readonly up: boolean;
    readonly addresses: readonly string[];
    readonly mtu?: number;
  }[];
}

/** Proxies, by where they are set. Passwords are left out. */
export interface ProxyEvidence {
  /** Of the running agent, or of its unit: what counts. */
  readonly agent?: ProxySettings;
  /** Of a login shell: what a person who tries with curl has. */
  readonly shell?: ProxySettings;
  /** What is wrong with the agent's proxy as it is written. */
  readonly malformed?: string;
}

/** One set of variables. */
export interface ProxySettings {
  readonly source: string;
  readonly https?: string;
  readonly http?: string;
  readonly no?: string;
}

/** What happened at one layer. `ms` how long it took. */
export type Layer<Facts = unknown> =
  | ({ readonly ok: true; readonly ms?: number } & Facts)
  | ({
      readonly ok: false;
      readonly ms?: number;
      /**
       * A short kebab-case word, one of these. Everywhere: `timeout`, `reset`, `failed` (see `detail`).
       * Name: `not-found`, `no-address`, `temporary` (the resolver could not say). Route: `unreachable`,
       * `prohibited`. TCP: `refused`, `unreachable`, `denied` (this machine forbade it).
       * Proxy: those of TCP, `not-found`, `malformed`, `not-a-proxy`, `auth-required` (407), `denied` (403),
       * `bad-gateway` (5xx), `refused-connect` (another status).
       * TLS: `untrusted`, `expired`, `not-yet-valid`, `wrong-name`, `protocol-version`, `handshake-failure`,
       * `not-tls`, `no-store`. HTTP: `wrong-host`, `captive-portal`, `malformed`.
       * Websocket: `stripped` (it arrived as a plain request), `denied` (answered by something else).
       */
      readonly error: string;
      readonly detail?: string;
    } & Partial<Facts>);

/**
 * One endpoint, layer by layer. Layers behind the first that failed are absent. Behind a proxy, `name`, `route`
 * and `tcp` are about the proxy, and `direct` about the way without it.
 */
export interface EndpointEvidence {
  readonly url: string;
  /** Whose configuration leads there; absent: the address was given to whoever looked. */
  readonly agent?: 'rollcall' | 'official';
  /** Further services at the same address. */
  readonly also?: readonly string[];
  /** Whether the address is reached without the proxy: tried when there is one. */
  readonly direct?: Layer<{ readonly address?: string }>;
  /** What it is for: `ssm`, `ssmmessages`, `ec2messages`, or `s3`, `kms`, `logs` where something needs it. */
  readonly service: string;
  readonly needed: boolean;
  readonly name?: Layer<{
    readonly addresses: readonly string[];
    /** What a query to the resolver itself answered, without the system's other sources. */
    readonly direct?: readonly string[];
    readonly resolver?: string;
  }>;
  readonly route?: Layer<{ readonly device?: string; readonly via?: string; readonly source?: string }>;
  readonly tcp?: Layer<{ readonly address?: string; readonly port?: number }>;
  readonly proxy?: Layer<{ readonly proxy?: string; readonly status?: number }>;
  readonly tls?: Layer<TlsFacts>;
  readonly http?: Layer<{
    readonly status?: number;
    /** The service's own answer to a stranger: `UnknownOperationException`. */
    readonly isService?: boolean;
    readonly server?: string;
    readonly body?: string;
    /** The `Date` header, milliseconds. */
    readonly date?: number;
    readonly location?: string;
  }>;
  readonly websocket?: Layer<{ readonly status?: number }>;
}

/** What the handshake showed. */
export interface TlsFacts {
  readonly version?: string;
  readonly subject?: string;
  readonly issuer?: string;
  readonly fingerprint?: string;
  readonly names?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Fingerprint (SHA-256, lower-case hex) of the last certificate of the chain that was shown. */
  readonly root?: string;
  /** Subject of that certificate, and whether it signed itself. */
  readonly rootSubject?: string;
  readonly rootSelfSigned?: boolean;
  /** The store that the agent reads, and whether the root was found there. */
  readonly store?: TrustStore;
  /** What `AWS_CA_BUNDLE` in the agent's environment puts in the store's place, for some of its calls. */
  readonly bundle?: TrustStore;
}

/** Certificates that are trusted, and where they are. */
export interface TrustStore {
  readonly path: string;
  readonly readable: boolean;
  /** Whether something in it vouches for the chain: the root itself, or whoever signed its last certificate. */
  readonly hasRoot?: boolean;
  readonly changedAt?: number;
  /** How many certificates were read. */
  readonly count?: number;
  /** What made it this store: `SSL_CERT_FILE`, `AWS_CA_BUNDLE`, `identity.json`; absent: the usual places. */
  readonly by?: string;
  /** The three roots that AWS names, each searched by its fingerprint; only where AWS is the endpoint. */
  readonly awsRoots?: readonly { readonly name: string; readonly present: boolean }[];
}

/** The metadata address, 169.254.169.254. */
export interface MetadataEvidence {
  readonly answers: boolean;
  readonly isImds?: boolean;
  readonly instanceId?: string;
  readonly region?: string;
  readonly version?: 1 | 2;
  readonly role?: string;
  readonly detail?: string;
}
