/**
 * The documents that every installation has: AWS's names and parameters, so that what is written for AWS runs
 * here, with contents of our own.
 */
import type { JsonObject } from './document.ts';

/** A document that every installation has. It has one version and can't be changed. */
export interface BuiltInDocument {
  readonly name: string;
  readonly content: JsonObject;
}

const executionTimeout: JsonObject = {
  type: 'String',
  default: '3600',
  description: 'How many seconds it may run before it is ended, from 1 to 172800 (two days).',
  allowedPattern: '^([1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[01][0-9]{3}|172[0-7][0-9]{2}|172800)$',
};

const workingDirectory: JsonObject = {
  type: 'String',
  default: '',
  description: 'The folder on the node in which it runs.',
  maxChars: 4096,
};

function script(action: string, description: string, commands: string): JsonObject {
  return {
    schemaVersion: '1.2',
    description,
    parameters: {
      commands: { type: 'StringList', description: commands, minItems: 1, displayType: 'textarea' },
      workingDirectory,
      executionTimeout,
    },
    runtimeConfig: {
      [action]: {
        properties: [
          {
            id: `0.${action}`,
            runCommand: '{{ commands }}',
            workingDirectory: '{{ workingDirectory }}',
            timeoutSeconds: '{{ executionTimeout }}',
          },
        ],
      },
    },
  };
}

const remoteScript: JsonObject = {
  schemaVersion: '2.2',
  description: 'Fetches files from a web server or a Git repository, and runs a command line among them.',
  parameters: {
    sourceType: {
      type: 'String',
      description:
        'Where the files are: HTTP or Git. GitHub and S3 are not served: name their addresses as HTTP or Git.',
      allowedValues: ['HTTP', 'Git'],
    },
    sourceInfo: {
      type: 'StringMap',
      description:
        'What to fetch. For HTTP: {"url": "https://…"}. For Git: {"repository": "https://…", "getOptions": "branch:main"}.',
      displayType: 'textarea',
      default: {},
    },
    commandLine: {
      type: 'String',
      description: 'What to run then, such as "install.sh --quiet". The folder of the files is on the path.',
      default: '',
    },
    workingDirectory: {
      ...workingDirectory,
      description: 'The folder on the node that the files are put into, and in which the command line runs.',
    },
    executionTimeout,
  },
  mainSteps: [
    {
      action: 'aws:downloadContent',
      name: 'downloadContent',
      inputs: {
        sourceType: '{{ sourceType }}',
        sourceInfo: '{{ sourceInfo }}',
        destinationPath: '{{ workingDirectory }}',
        // Without the files the command line is better not run.
        onFailure: 'exit',
      },
    },
    {
      action: 'aws:runPowerShellScript',
      name: 'runPowerShellScript',
      precondition: { StringEquals: ['platformType', 'Windows'] },
      inputs: {
        runCommand: [
          '$env:PATH = "$env:PATH;$(Convert-Path .)"',
          '{{ commandLine }}',
          '$done = $?',
          'if ($LASTEXITCODE) { exit $LASTEXITCODE }',
          'if (-not $done) { exit 1 }',
        ],
        workingDirectory: '{{ workingDirectory }}',
        timeoutSeconds: '{{ executionTimeout }}',
      },
    },
    {
      action: 'aws:runShellScript',
      name: 'runShellScript',
      precondition: { StringEquals: ['platformType', 'Linux'] },
      inputs: {
        runCommand: ['PATH="$PATH:$(pwd)"', '{{ commandLine }}'],
        workingDirectory: '{{ workingDirectory }}',
        timeoutSeconds: '{{ executionTimeout }}',
      },
    },
  ],
};

const powerShellModule: JsonObject = {
  schemaVersion: '1.2',
  description: 'Installs a PowerShell module from a .zip file, and runs PowerShell commands after that.',
  parameters: {
    workingDirectory,
    source: {
      type: 'String',
      default: '',
      description: "The module's .zip file: an address, or a path on the node.",
    },
    sourceHash: { type: 'String', default: '', description: 'The SHA-256 of the .zip file.' },
    commands: {
      type: 'StringList',
      default: [],
      description: 'PowerShell commands to run when the module is there.',
      displayType: 'textarea',
    },
    executionTimeout,
  },
  runtimeConfig: {
    'aws:psModule': {
      properties: [
        {
          id: '0.aws:psModule',
          runCommand: '{{ commands }}',
          source: '{{ source }}',
          sourceHash: '{{ sourceHash }}',
          workingDirectory: '{{ workingDirectory }}',
          timeoutSeconds: '{{ executionTimeout }}',
        },
      ],
    },
  },
};

const cloudWatch: JsonObject = {
  schemaVersion: '1.2',
  description: 'Starts or stops sending logs and metrics of a Windows node to CloudWatch.',
  parameters: {
    status: {
      type: 'String',
      default: 'Enabled',
      description: 'Whether they are sent.',
      allowedValues: ['Enabled', 'Disabled'],
    },
    properties: {
      type: 'String',
      default: '',
      description: 'What is sent and where to, as JSON.',
      displayType: 'textarea',
    },
  },
  runtimeConfig: {
    'aws:cloudWatch': { settings: { startType: '{{ status }}' }, properties: '{{ properties }}' },
  },
};

/** The documents that every installation has, by name in order. */
export const builtInDocuments: readonly BuiltInDocument[] = [
  { name: 'AWS-ConfigureCloudWatch', content: cloudWatch },
  { name: 'AWS-InstallPowerShellModule', content: powerShellModule },
  {
    name: 'AWS-RunPowerShellScript',
    content: script(
      'aws:runPowerShellScript',
      'Runs PowerShell commands.',
      'The lines of a PowerShell script. On Linux and macOS it needs PowerShell 7 (pwsh).',
    ),
  },
  { name: 'AWS-RunRemoteScript', content: remoteScript },
  {
    name: 'AWS-RunShellScript',
    content: script('aws:runShellScript', 'Runs shell commands.', 'The lines of a shell script.'),
  },
];
