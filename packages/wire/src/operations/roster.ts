/** Our own operations around the roster: the machines that should be there, and where that is known from. */
import {
  blob,
  boolean,
  integer,
  list,
  oneOf,
  required,
  string,
  structure,
  timestamp,
  type ValueOf,
} from '../schema/shape.ts';

const text = string();
const maxResults = integer({ min: 1, max: 1000 });
const nextToken = string({ min: 1, max: 4096 });
const source = string({ min: 1, max: 64, pattern: '[A-Za-z0-9][A-Za-z0-9_.-]*' });
const format = oneOf('csv', 'ansible', 'ec2', 'hosts', 'json');
const expected = oneOf('always', 'office-hours', 'spare', 'retired');

/** What became of the machines of a source. */
const imported = {
  Source: required(text),
  Machines: required(integer()),
  Added: required(integer()),
  Changed: required(integer()),
  /** Not listed any more: from now on retired, not missing. */
  Retired: required(integer()),
  /** Were retired, and are listed again. */
  Returned: required(integer()),
  /** Columns and members that say nothing to the server. */
  Ignored: required(list(text)),
};

export const rosterOperations = {
  /** Refused with the lines that can't be read, and then nothing has changed. */
  ImportRoster: {
    input: structure({
      Source: required(source),
      Format: required(format),
      /** The text; or, when it is long, gzip of it in `Data` (32 MiB at most once unpacked). */
      Text: string({ min: 1 }),
      Data: blob({ min: 1 }),
      /** For machines of which the text doesn't say it; `always` when left out. */
      Expected: expected,
      /** Says what would happen, and changes nothing. */
      DryRun: boolean(),
      /** That most machines of the source are gone is meant so, and no half file. */
      RetireMost: boolean(),
    }),
    output: structure(imported),
  },
  /** A source that the server reads by itself. */
  PutRosterSource: {
    input: structure({
      Source: required(source),
      /** `https://` or `http://`, answered with the roster in this format; JSON when it is left out. */
      Url: required(string({ min: 8, max: 2048 })),
      Format: format,
      IntervalMinutes: integer({ min: 1, max: 1440 }),
      /** The `Authorization` header to send. Kept sealed, and never told. */
      Authorization: string({ min: 1, max: 4096, sensitive: true }),
    }),
    output: structure({}),
  },
  /** The source and all its machines are forgotten. */
  DeleteRosterSource: {
    input: structure({ Source: required(source) }),
    output: structure({ Machines: required(integer()) }),
  },
  ListRosterSources: {
    input: structure({}),
    output: structure({
      Sources: required(
        list(
          structure({
            Source: required(text),
            Format: required(text),
            Url: text,
            IntervalMinutes: integer(),
            Machines: required(integer()),
            Retired: required(integer()),
            CreatedAt: required(timestamp()),
            CreatedBy: required(text),
            /** When it was last read with success. */
            ReadAt: timestamp(),
            /** Why it can't be read since `FailingSince`. */
            Error: text,
            FailingSince: timestamp(),
          }),
        ),
      ),
    }),
  },
  ListMachines: {
    input: structure({
      /** `missing`: expected, and no node is it. Retired ones are in `retired` and `all` only. */
      Filter: oneOf('expected', 'missing', 'retired', 'all'),
      Source: source,
      /** A name or an address. */
      Name: string({ min: 1, max: 256 }),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({
      Machines: required(
        list(
          structure({
            Source: required(text),
            Key: required(text),
            Name: required(text),
            Names: required(list(text)),
            Addresses: required(
              list(structure({ Address: required(text), From: required(timestamp()), To: timestamp() })),
            ),
            Expected: required(text),
            Power: text,
            MaintenanceUntil: timestamp(),
            /** The node that it is, and by what that was found. */
            InstanceId: text,
            JoinedBy: oneOf('id', 'uuid', 'mac', 'name', 'address'),
            PingStatus: text,
            /** The same machine, as another source has it: `SOURCE/KEY`. */
            SameAs: text,
            FirstSeenAt: required(timestamp()),
            LastSeenAt: required(timestamp()),
            RetiredAt: timestamp(),
          }),
        ),
      ),
      Total: required(integer()),
      NextToken: text,
    }),
  },
} as const;

type Operations = typeof rosterOperations;
type Output<Name extends keyof Operations> = ValueOf<Operations[Name]['output']>;
type Input<Name extends keyof Operations> = ValueOf<Operations[Name]['input']>;

export type ImportRosterInput = Input<'ImportRoster'>;
export type ImportRosterOutput = Output<'ImportRoster'>;
export type PutRosterSourceInput = Input<'PutRosterSource'>;
export type DeleteRosterSourceInput = Input<'DeleteRosterSource'>;
export type DeleteRosterSourceOutput = Output<'DeleteRosterSource'>;
export type ListRosterSourcesOutput = Output<'ListRosterSources'>;
export type RosterSource = ListRosterSourcesOutput['Sources'][number];
export type ListMachinesInput = Input<'ListMachines'>;
export type ListMachinesOutput = Output<'ListMachines'>;
export type MachineSummary = ListMachinesOutput['Machines'][number];
