/** Our own operations around verdicts: why a machine is, or isn't, in the list. */
import {
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
const documentName = string({ min: 1, max: 256 });
const instanceId = string({ min: 1, max: 128 });

export const verdictOperations = {
  Why: {
    input: structure({
      /** A node id, a name, an address, or a machine as `SOURCE/KEY`. */
      Subject: required(string({ min: 1, max: 256 })),
      /** The document that the node is to be picked for. */
      Document: documentName,
      /** What was seen on the machine itself: the record of a doctor, JSON. It speaks of that machine only. */
      Evidence: string({ min: 2, max: 900_000 }),
      /** Whether the evidence that was judged is to be in the answer. */
      WithEvidence: boolean(),
    }),
    output: structure({
      /** The verdict record, JSON. Absent when the subject stands for several machines, or for none that are known. */
      Verdict: text,
      /** What was judged, JSON. */
      Evidence: text,
      /** What the subject stands for, when that is more than one: none of them is judged. */
      Candidates: required(
        list(
          structure({
            InstanceId: text,
            /** `SOURCE/KEY` of the roster. */
            Machine: text,
            Name: text,
            Region: required(text),
            PingStatus: text,
            Address: text,
          }),
        ),
      ),
      /** How many there are in all. */
      CandidateCount: required(integer()),
    }),
  },
  WhyAll: {
    input: structure({
      /** Members that are named of each cause; 20 when left out. */
      MaxMembers: integer({ min: 1, max: 1000 }),
    }),
    output: structure({
      At: required(timestamp()),
      /** What is wrong with the server itself: asked first. */
      Server: required(list(structure({ Cause: required(text), Detail: required(text) }))),
      Sources: required(
        list(
          structure({
            Source: required(text),
            Machines: required(integer()),
            ReadAt: timestamp(),
            Error: text,
            FailingSince: timestamp(),
          }),
        ),
      ),
      Counts: required(
        structure({
          /** Those that should be there: of the roster, and nodes that no roster has. */
          Expected: required(integer()),
          There: required(integer()),
          /** In the roster, and no node is it. */
          Missing: required(integer()),
          Lost: required(integer()),
          Hidden: required(integer()),
          /** There or not, with something wrong whose cause isn't known. */
          Unclear: required(integer()),
          Off: required(integer()),
          Retired: required(integer()),
          InMaintenance: required(integer()),
          /** Too young to be judged. */
          Pending: required(integer()),
        }),
      ),
      /** The largest first; those without a cause last. */
      Groups: required(
        list(
          structure({
            /** Absent: not known. */
            Cause: text,
            Confidence: required(oneOf('proven', 'likely', 'unknown')),
            Count: required(integer()),
            Since: timestamp(),
            Members: required(
              list(
                structure({
                  InstanceId: text,
                  Machine: text,
                  Name: required(text),
                  State: required(oneOf('there', 'missing', 'lost', 'hidden')),
                }),
              ),
            ),
            /** The verdict record of the first of them, JSON. */
            Verdict: required(text),
          }),
        ),
      ),
    }),
  },
  ListPickable: {
    input: structure({
      DocumentName: required(documentName),
      DocumentVersion: string({ min: 1, max: 16 }),
      /** Which of them are listed; `can` when left out. */
      Which: oneOf('can', 'cannot', 'all'),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({
      Document: required(text),
      Platforms: required(list(text)),
      /** Whether the asker may send this document at all. */
      MaySend: required(boolean()),
      Total: required(integer()),
      CanCount: required(integer()),
      /** Why the others can't be, counted. */
      Reasons: required(
        list(
          structure({
            Reason: required(oneOf('platform', 'ping', 'channel', 'agent-too-old', 'rights', 'region')),
            /** Of what kind: a platform, a region, a version. */
            Detail: text,
            Count: required(integer()),
            Examples: required(list(structure({ InstanceId: required(text), Name: text }))),
          }),
        ),
      ),
      Nodes: required(
        list(
          structure({
            InstanceId: required(text),
            Name: text,
            PlatformType: text,
            PlatformName: text,
            PlatformVersion: text,
            AgentVersion: text,
            PingStatus: required(text),
            LastPingDateTime: timestamp(),
            ChannelOpen: required(boolean()),
            CanBePicked: required(boolean()),
            Reason: text,
            Detail: text,
          }),
        ),
      ),
      NextToken: text,
    }),
  },
  ListVerdictHistory: {
    input: structure({
      Subject: string({ min: 1, max: 256 }),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({
      Changes: required(
        list(
          structure({
            At: required(timestamp()),
            Subject: required(text),
            Change: required(oneOf('dropped', 'back', 'hidden', 'refused', 'recovered')),
            Cause: text,
            Confidence: text,
          }),
        ),
      ),
      NextToken: text,
    }),
  },
  /** From a node that runs our agent: what it sees of its own machine. The last one is kept. */
  PutNodeEvidence: {
    input: structure({
      InstanceId: required(instanceId),
      /** JSON. */
      Evidence: required(string({ min: 2, max: 131_072 })),
    }),
    output: structure({}),
  },
} as const;

type Operations = typeof verdictOperations;
type Output<Name extends keyof Operations> = ValueOf<Operations[Name]['output']>;
type Input<Name extends keyof Operations> = ValueOf<Operations[Name]['input']>;

export type WhyInput = Input<'Why'>;
export type WhyOutput = Output<'Why'>;
export type WhyCandidate = WhyOutput['Candidates'][number];
export type WhyAllInput = Input<'WhyAll'>;
export type WhyAllOutput = Output<'WhyAll'>;
export type CauseGroup = WhyAllOutput['Groups'][number];
export type ListPickableInput = Input<'ListPickable'>;
export type ListPickableOutput = Output<'ListPickable'>;
export type ListVerdictHistoryInput = Input<'ListVerdictHistory'>;
export type ListVerdictHistoryOutput = Output<'ListVerdictHistory'>;
export type PutNodeEvidenceInput = Input<'PutNodeEvidence'>;
