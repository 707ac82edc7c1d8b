/**
 * The verdict's JSON form, as JSON Schema (draft 2020-12): for whoever reads `--json`. Its version is the verdict's:
 * members are added within a version, and never change their meaning.
 */
import { causes } from './causes/index.ts';
import { gates } from './verdict.ts';

const text = { type: 'string' } as const;
const time = { type: 'number', description: 'Milliseconds since the epoch, UTC.' } as const;
const slots = { type: 'object', additionalProperties: text } as const;
const answer = { enum: ['yes', 'no', 'unknown'] } as const;
const causeId = { enum: causes.map(({ id }) => id) } as const;
const solution = { enum: [1, 2, 3, 4, 5, 6, 7, null] } as const;

const command = {
  type: 'object',
  required: ['argv', 'where'],
  properties: {
    argv: { type: 'array', items: text, minItems: 1 },
    where: { enum: ['node', 'operator'] },
  },
  additionalProperties: false,
} as const;

const observation = {
  type: 'object',
  required: ['side', 'source', 'field', 'value'],
  properties: {
    side: { enum: ['node', 'door', 'records', 'request'] },
    source: text,
    field: text,
    value: { type: 'string', description: 'Untrusted where it came from outside.' },
    at: time,
  },
  additionalProperties: false,
} as const;

const fix = {
  type: 'object',
  required: ['risk', 'commands', 'parameters', 'check'],
  properties: {
    risk: { enum: ['safe', 'guarded', 'manual'] },
    commands: { type: 'array', items: command },
    parameters: slots,
    undo: { type: 'array', items: command },
    check: { enum: gates },
    withinSeconds: { type: 'number' },
  },
  additionalProperties: false,
} as const;

const gate = {
  type: 'object',
  required: ['gate', 'state'],
  properties: {
    gate: { enum: gates },
    state: { enum: ['passed', 'failed', 'warned', 'unknown', 'not-tried'] },
    text,
    parameters: slots,
  },
  additionalProperties: false,
} as const;

const standing = {
  type: 'object',
  required: ['is'],
  properties: {
    is: { enum: ['online', 'lost', 'hidden', 'deregistered', 'elsewhere', 'absent'] },
    since: time,
    region: text,
    lastHeartbeatAt: time,
    channelOpenSince: time,
  },
  additionalProperties: false,
} as const;

/** The schema of version 1. */
export const verdictSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Rollcall verdict, version 1',
  type: 'object',
  required: [
    'version',
    'at',
    'subject',
    'asked',
    'state',
    'answers',
    'gates',
    'solution',
    'confidence',
    'parameters',
    'evidence',
    'ruledOut',
    'warnings',
    'docs',
  ],
  properties: {
    version: { const: 1 },
    at: time,
    subject: {
      type: 'object',
      required: ['asked'],
      properties: { asked: text, nodeId: text, name: text, agent: text },
      additionalProperties: false,
    },
    asked: {
      type: 'object',
      required: ['region'],
      properties: { region: text, document: text },
      additionalProperties: false,
    },
    state: { enum: ['well', 'ill', 'pending', 'unclear'] },
    answers: {
      type: 'object',
      required: ['listed', 'pickable', 'working'],
      properties: { listed: answer, pickable: answer, working: answer },
      additionalProperties: false,
    },
    gates: { type: 'array', items: gate, minItems: gates.length, maxItems: gates.length },
    standing,
    cause: causeId,
    solution,
    confidence: { enum: ['proven', 'likely', 'unknown'] },
    doubt: text,
    parameters: slots,
    evidence: { type: 'array', items: observation, maxItems: 8 },
    ruledOut: { type: 'array', items: causeId, maxItems: 6, uniqueItems: true },
    next: { type: 'array', items: text },
    fix,
    nextAttempt: {
      type: 'object',
      required: ['from'],
      properties: { from: time, to: time },
      additionalProperties: false,
    },
    warnings: {
      type: 'array',
      maxItems: 3,
      items: {
        type: 'object',
        required: ['cause', 'parameters'],
        properties: { cause: causeId, parameters: slots },
        additionalProperties: false,
      },
    },
    inside: {
      type: 'object',
      required: ['at', 'ofNow'],
      properties: { at: time, ofNow: { type: 'boolean' } },
      additionalProperties: false,
    },
    docs: text,
  },
  additionalProperties: false,
} as const;
