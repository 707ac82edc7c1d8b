/** The life of an invocation: in whatever order things happen, it ends once, and as it should. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  busyWait,
  cancelGrace,
  type InvocationState,
  isOver,
  type Life,
  type LifeEvent,
  type LifeRules,
  live,
  readSteps,
  replyGrace,
} from './life.ts';
import type { Report, StepReport } from './reply.ts';

const at = Date.UTC(2026, 10, 25);
const hour = 3_600_000;
const rules = (later = 0): LifeRules => ({ now: at + later, executionSeconds: 60, steps: ['one', 'two'] });

function begin(state: InvocationState, more: Partial<Life> = {}): Life {
  return {
    state,
    deadline: at + hour,
    epoch: null,
    lease_until: null,
    first_offered_at: null,
    not_before: null,
    accepted_at: null,
    cancel_acked_at: null,
    ended_at: null,
    response_code: null,
    reason: null,
    steps: null,
    ...more,
  };
}

const offered = begin('offered', { epoch: 3, lease_until: at + 15_000, first_offered_at: at });

function step(name: string, status: string, code = 0): StepReport {
  return {
    name,
    status,
    code,
    start: '',
    end: '',
    output: '',
    stdout: `${name} ${status}`,
    stderr: '',
    bucket: '',
    prefix: '',
  };
}
const report = (status: string, ...steps: StepReport[]): LifeEvent => ({
  kind: 'replied',
  report: { status, trace: '', steps } satisfies Report,
});
const answer = (verdict: 'accepted' | 'later' | 'refused'): LifeEvent => ({
  kind: 'answered',
  verdict,
  reason: '51408 AgentJobMessageParseError',
});

/** Lets things happen one after another, a second apart. */
function after(life: Life, ...events: LifeEvent[]): Life {
  return events.reduce((now, event, n) => live(now, event, rules(n * 1000)), life);
}

describe('An invocation', () => {
  it('goes from the offer to its end', () => {
    const accepted = after(offered, answer('accepted'));
    assert.equal(accepted.state, 'accepted');
    assert.equal(accepted.accepted_at, at);
    const running = after(accepted, report('InProgress'));
    assert.equal(running.state, 'running');
    const done = after(
      running,
      report('InProgress', step('one', 'Success')),
      report('Success', step('two', 'Success', 0)),
    );
    assert.equal(done.state, 'Success');
    assert.equal(done.response_code, 0);
    assert.deepEqual(
      readSteps(done.steps).map(({ name, status }) => [name, status]),
      [
        ['one', 'Success'],
        ['two', 'Success'],
      ],
    );
  });

  it('keeps steps that come after its end, in whatever order, and the code of the one that failed', () => {
    const done = after(
      offered,
      report('Failed'),
      report('InProgress', step('two', 'Failed', 3)),
      report('InProgress', step('one', 'Success')),
      report('InProgress', step('two', 'InProgress')),
    );
    assert.equal(done.state, 'Failed');
    assert.equal(done.response_code, 3);
    assert.deepEqual(
      readSteps(done.steps).map(({ name, code }) => [name, code]),
      [
        ['one', 0],
        ['two', 3],
      ],
    );
    assert.equal(done.ended_at, at);
  });

  it('keeps nothing of steps that its document has not', () => {
    assert.equal(after(offered, report('InProgress', step('other', 'Success'))).steps, null);
  });

  it('waits when the agent is busy, and forgets when it was offered first', () => {
    const busy = after(offered, answer('later'));
    assert.equal(busy.state, 'released');
    assert.equal(busy.not_before, at + busyWait);
    assert.equal(busy.first_offered_at, null);
  });

  it('that was offered before without an answer may have been taken then: that isn’t forgotten', () => {
    const again = { ...offered, lease_until: at + 60_000 };
    assert.equal(after(again, answer('later')).first_offered_at, at);
  });

  it('fails with the agent’s words when it is refused; not when the agent has it already', () => {
    const refused = after(offered, answer('refused'));
    assert.equal(refused.state, 'Failed');
    assert.match(refused.reason ?? '', /51408/);
    assert.equal(after(offered, report('InProgress'), answer('refused')).state, 'running');
  });

  it('isn’t over while the node reboots', () => {
    const rebooting = after(offered, report('SuccessAndReboot', step('one', 'SuccessAndReboot', 194)));
    assert.equal(rebooting.state, 'running');
    assert.equal(after(rebooting, report('Success', step('one', 'Success'))).state, 'Success');
  });

  it('that nobody has yet is cancelled at once; else the node is told, and says how it ended', () => {
    for (const state of ['queued', 'released'] as const) {
      assert.equal(after(begin(state), { kind: 'cancel' }).state, 'Cancelled');
    }
    const told = after(offered, answer('accepted'), { kind: 'cancel' });
    assert.equal(told.state, 'cancelling');
    assert.equal(told.epoch, null, 'so that the order goes out at once');
    const agreed = after(told, { kind: 'cancel-answered' });
    assert.equal(agreed.state, 'cancelling');
    assert.equal(after(agreed, report('Cancelled', step('one', 'Cancelled', 137))).state, 'Cancelled');
    assert.equal(after(agreed, report('Success')).state, 'Success', 'it was quicker than the order');
  });

  it('that the node never had ends as cancelled a while after the node agreed', () => {
    const agreed = after(offered, { kind: 'cancel' }, { kind: 'cancel-answered' });
    assert.ok(agreed.deadline <= at + 1000 + cancelGrace);
    assert.equal(live(agreed, { kind: 'expired' }, rules(cancelGrace + 2000)).state, 'Cancelled');
  });

  it('ends by its deadline as far as it had come, and not before', () => {
    const expired: LifeEvent = { kind: 'expired' };
    assert.equal(live(offered, expired, rules(hour - 1)), offered);
    assert.equal(live(offered, expired, rules(hour)).state, 'DeliveryTimedOut');
    assert.equal(live(begin('queued'), expired, rules(hour)).state, 'DeliveryTimedOut');
    const late = live(offered, answer('accepted'), rules(hour - 1000));
    assert.equal(late.deadline, at + hour - 1000 + 60_000 + replyGrace, 'work has its own time');
    assert.equal(live(late, expired, rules(2 * hour)).state, 'DeliveryTimedOut', 'it never reported');
    const running = live(late, report('InProgress'), rules(hour));
    assert.equal(live(running, expired, rules(2 * hour)).state, 'ExecutionTimedOut');
  });

  it('notes an end that comes too late, once, and stays as it was', () => {
    const over = live(offered, { kind: 'expired' }, rules(hour));
    const late = live(over, report('Success', step('one', 'Success')), rules(2 * hour));
    assert.equal(late.state, 'DeliveryTimedOut');
    assert.match(late.reason ?? '', /reported Success/);
    assert.equal(readSteps(late.steps).length, 1);
    assert.equal(live(late, report('Success'), rules(3 * hour)).reason, late.reason);
  });

  it('ends once, whatever happens in whatever order, and never leaves its end', () => {
    const events = fc.oneof(
      fc.constantFrom<LifeEvent>(
        answer('accepted'),
        answer('later'),
        answer('refused'),
        { kind: 'cancel' },
        { kind: 'cancel-answered' },
        { kind: 'expired' },
        { kind: 'node-gone' },
      ),
      fc
        .tuple(
          fc.constantFrom(
            'InProgress',
            'Success',
            'Failed',
            'TimedOut',
            'Cancelled',
            'SuccessAndReboot',
            '?',
          ),
          fc.array(
            fc.tuple(fc.constantFrom('one', 'two', 'x'), fc.constantFrom('InProgress', 'Success', 'Failed')),
          ),
        )
        .map(([status, steps]) => report(status, ...steps.map(([name, word]) => step(name, word)))),
    );
    const states = fc.constantFrom<InvocationState>('queued', 'released', 'offered');
    fc.assert(
      fc.property(states, fc.array(fc.tuple(events, fc.nat(hour)), { maxLength: 30 }), (state, happened) => {
        let life = begin(state);
        let time = 0;
        let end: Life | undefined;
        for (const [event, wait] of happened) {
          time += wait;
          life = live(life, event, rules(time));
          if (isOver(life.state)) end ??= life;
          assert.equal(life.ended_at !== null, isOver(life.state));
          if (end) {
            assert.equal(life.state, end.state);
            assert.equal(life.ended_at, end.ended_at);
          }
        }
        // Said again, everything changes nothing but what its time has come for.
        const [last] = happened.at(-1) ?? [];
        if (last && end) assert.equal(live(life, last, rules(time)).state, end.state);
      }),
      { numRuns: 2_000 },
    );
  });

  it('comes to the same whatever order a node’s reports arrive in', () => {
    const reports = [
      report('InProgress'),
      report('InProgress', step('one', 'Success')),
      report('InProgress', step('two', 'Failed', 2)),
      report('Failed'),
    ];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(reports, { minLength: 4 }),
        fc.array(fc.constantFrom(...reports)),
        (order, repeats) => {
          const done = [...order, ...repeats].reduce((life, event) => live(life, event, rules()), offered);
          assert.equal(done.state, 'Failed');
          assert.equal(done.response_code, 2);
          assert.equal(readSteps(done.steps).length, 2);
        },
      ),
    );
  });
});
