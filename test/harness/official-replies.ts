/**
 * What amazon-ssm-agent 3.3.0.0 reports of a document, word for word. A report that thousands of nodes make alike
 * is put together once; what differs is the node's job and the time.
 */

/** What a step comes to. */
export interface StepOutcome {
  /** As replies name it: the step's name, or in schema 1.2 the plugin's. */
  readonly name: string;
  readonly plugin: string;
  /** `Success`, `Failed`, `TimedOut`, `Cancelled`, `Skipped`, `SuccessAndReboot`. */
  readonly status: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const now = '#now#';
const errors = '\n----------ERROR-------\n';

/** One report, without the node and the time. */
export class Report {
  /** The word for the whole document. */
  readonly status: string;
  /** The steps that it speaks of. */
  readonly steps: readonly StepOutcome[];
  readonly #make: (polled: boolean) => string;
  #polled: readonly string[] | undefined;
  #framed: readonly string[] | undefined;

  constructor(
    status: string,
    steps: readonly StepOutcome[],
    parts: { counts: object | null; runtimeStatus: object | null; trace?: string },
  ) {
    this.status = status;
    this.steps = steps;
    this.#make = (polled) =>
      JSON.stringify({
        additionalInfo: {
          agent: { lang: 'en-US', name: 'amazon-ssm-agent', os: 'linux', osver: '1', ver: '3.3.0.0' },
          dateTime: now,
          runId: '',
          runtimeStatusCounts: parts.counts,
          ...(polled ? { ableToOpenMGSConnection: false } : {}),
        },
        documentStatus: status,
        documentTraceOutput: parts.trace ?? '',
        runtimeStatus: parts.runtimeStatus,
      });
  }

  /** The payload of `SendReply`. */
  polled(at: string): string {
    this.#polled ??= this.#make(true).split(now);
    return this.#polled.join(at);
  }

  /** The payload of an `agent_job_reply`. */
  framed(jobId: string, topic: string, at: string): string {
    this.#framed ??= JSON.stringify(this.#make(false)).split(now);
    return `{"schemaVersion":1,"jobId":"${jobId}","content":${this.#framed.join(at)},"topic":"${topic}"}`;
  }
}

/** It has the document, and begins. Also what it says of an order to cancel. */
export const begun = new Report('InProgress', [], { counts: null, runtimeStatus: null });
/** It could not read the job. Over a channel the reason stands in its log only. */
export const unreadable = new Report('Failed', [], { counts: null, runtimeStatus: null });

/** The same, as it is said when polled. */
export function unreadableBecause(trace: string): Report {
  return new Report('Failed', [], { counts: null, runtimeStatus: null, trace });
}

/** The reports of a document whose steps come to this: one after each step, and one at the end. */
export class Reports {
  readonly steps: readonly StepOutcome[];
  readonly #afterStep: (Report | undefined)[] = [];
  #end: Report | undefined;

  constructor(steps: readonly StepOutcome[]) {
    this.steps = steps;
  }

  afterStep(index: number): Report {
    const step = this.steps[index]!;
    this.#afterStep[index] ??= new Report('InProgress', [step], {
      counts: countsOf(this.steps.slice(0, index + 1)),
      runtimeStatus: { [step.name]: entryOf(step) },
    });
    return this.#afterStep[index];
  }

  /** Holds the step only where there is one. */
  get end(): Report {
    const [only, ...others] = this.steps;
    const told = only && others.length === 0 ? [only] : [];
    this.#end ??= new Report(statusOf(this.steps), told, {
      counts: countsOf(this.steps),
      runtimeStatus: Object.fromEntries(told.map((step) => [step.name, entryOf(step)])),
    });
    return this.#end;
  }
}

/** In this order the agent lets one step speak for all. */
const precedence = ['SuccessAndReboot', 'Failed', 'TimedOut', 'Cancelled'];

function statusOf(steps: readonly StepOutcome[]): string {
  return precedence.find((status) => steps.some((step) => step.status === status)) ?? 'Success';
}

function countsOf(steps: readonly StepOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const status of steps.map((step) => step.status).sort()) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function entryOf(step: StepOutcome): object {
  return {
    status: step.status,
    code: step.code,
    name: step.plugin,
    output: step.stderr === '' ? step.stdout : `${step.stdout}${errors}${step.stderr}`,
    startDateTime: now,
    endDateTime: now,
    outputS3BucketName: '',
    outputS3KeyPrefix: '',
    stepName: '',
    standardOutput: step.stdout,
    standardError: step.stderr,
  };
}
