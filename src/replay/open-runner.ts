// SPDX-License-Identifier: Apache-2.0
// From a loaded input and the name of a runner to the runner. Each kind of runner is imported only when asked
// for: `rules` needs neither clang nor root, and loads neither.
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { LoadedInput } from '../input/load.js';
import { recognise } from '../input/recognise.js';
import type { Family } from '../net/family.js';
import { InputError } from '../diagnostics/input-error.js';
import { assess, type Assessment } from '../ruleset/assess/assess.js';
import type { Waiver } from '../ruleset/waivers.js';
import type { BuildOptions, BuiltProgram } from '../program/build.js';
import type { NetfilterPrograms } from '../kernel/netfilter/programs.js';
import { DEFAULT_ATTACH, type AttachKind } from '../program/attach-kind.js';
import { viewFor } from '../ruleset/attach-view.js';
import type { Runner, RunnerName } from './runner.js';

export interface OpenRunnerOptions {
  readonly checksums: 'verify' | 'trust';
  /** Records list the rules passed. */
  readonly trace: boolean;
  /** A waiver never changes the reference: packets that meet a waived rule are `undecided` there. */
  readonly waivers: readonly Waiver[];
  /** `vm` and `kernel`: where the programs attach. `xdp` alone judges there, and defers all it passes on. */
  readonly attach?: readonly AttachKind[];
}

/** Throws EnvironmentError where the machine lacks what the runner needs. */
export async function openRunner(
  name: RunnerName,
  input: LoadedInput,
  options: OpenRunnerOptions,
): Promise<Runner> {
  switch (name) {
    case 'rules':
      return openRules(input, options);
    case 'netfilter':
      return openNetfilter(input);
    case 'netfilter-bpf':
      return openNetfilter(input, await buildForNetfilter(input, options));
    case 'vm':
    case 'kernel':
      return openProgram(name, input, options);
  }
}

async function openRules(input: LoadedInput, options: OpenRunnerOptions): Promise<Runner> {
  const { openRulesRunner } = await import('../ruleset/evaluate/index.js');
  return openRulesRunner(input.ruleset, input.host, {
    checksums: options.checksums,
    trace: options.trace,
    waived: waivedRules(assess(input, options.waivers)),
  });
}

/** The dumps as they were given: iptables reads them itself. */
async function openNetfilter(input: LoadedInput, programs?: NetfilterPrograms): Promise<Runner> {
  const { NetfilterRunner } = await import('../kernel/netfilter/runner.js');
  const textOf = (family: Family): string =>
    input.files
      .filter((file) => file.family === family)
      .map((file) => input.sources.find(({ name }) => name === file.file)?.text ?? '')
      .join('');
  const ruleFiles = new Set(input.files.map(({ file }) => file));
  const sets = input.sources.filter(
    (source) =>
      !ruleFiles.has(source.name) && !source.text.trimStart().startsWith('{') && recognise(source) === 'sets',
  );
  const [ipv4, ipv6, ipset] = [textOf('ipv4'), textOf('ipv6'), sets.map(({ text }) => text).join('')];
  return NetfilterRunner.create({
    host: input.host,
    ...(ipv4 !== '' && { ipv4 }),
    ...(ipv6 !== '' && { ipv6 }),
    ...(ipset !== '' && { ipset }),
    ...(programs !== undefined && { programs }),
  });
}

/** What `migrate --attach netfilter` would make. */
async function buildForNetfilter(input: LoadedInput, options: OpenRunnerOptions): Promise<NetfilterPrograms> {
  const view = viewFor('netfilter', input);
  const viewed = { ...input, ...view };
  const assessment = assess(viewed, options.waivers);
  if (!assessment.faithful) throw new InputError(whyNoProgram(assessment));
  const { leftTables, ruleset } = view;
  const { model, object } = await build(viewed, assessment, { attach: ['netfilter'], leftTables });
  const { readObject } = await import('../object/object.js');
  return { object: readObject(object), model, ruleset, leftTables };
}

/** The object that `migrate` would make, in this process or test-run by this kernel. */
async function openProgram(
  name: 'vm' | 'kernel',
  input: LoadedInput,
  options: OpenRunnerOptions,
): Promise<Runner> {
  const { open } = await preparePrograms(input, options);
  return open(name);
}

export interface PreparedPrograms {
  /** Each runner has maps of its own; the object is one and the same. */
  open(name: 'vm' | 'kernel'): Promise<Runner>;
}

/** Compiles the object once, for several runners. Throws InputError where there is no program to make. */
export async function preparePrograms(
  input: LoadedInput,
  options: OpenRunnerOptions,
): Promise<PreparedPrograms> {
  const assessment = assess(input, options.waivers);
  if (!assessment.faithful) throw new InputError(whyNoProgram(assessment));
  const attach = options.attach ?? DEFAULT_ATTACH;
  // What XDP drops is the same beside TC and alone: one object holds both.
  const kinds: readonly AttachKind[] = attach.includes('xdp') ? ['tc', 'xdp'] : attach;
  const { model, object: bytes } = await build(input, assessment, { attach: kinds });
  const { readObject } = await import('../object/object.js');
  const object = readObject(bytes);
  const { openProgramRunner } = await import('./program-runner.js');
  const { checksums, trace } = options;
  const only = attach.includes('tc') ? {} : ({ only: 'xdp' } as const);
  return {
    open: async (name) => {
      const executor =
        name === 'vm'
          ? (await import('./vm-executor.js')).openVmExecutor(object, input.host)
          : (await import('../kernel/executor.js')).KernelExecutor.create(object, input.host);
      return openProgramRunner(executor, { model, ruleset: input.ruleset }, input.host, {
        checksums,
        trace,
        ...only,
      });
    },
  };
}

async function build(
  input: LoadedInput,
  assessment: Assessment,
  where: Pick<BuildOptions, 'attach' | 'leftTables'> = {},
): Promise<BuiltProgram> {
  const { buildProgram } = await import('../program/build.js');
  const { LoweringRefusal } = await import('../model/lower-context.js');
  const { TableRefusal } = await import('../decision/refusal.js');
  try {
    return await buildProgram(input.ruleset, input.host, { waived: waivedRules(assessment), ...where });
  } catch (error) {
    if (error instanceof LoweringRefusal) {
      const rule = error.rule === undefined ? undefined : input.ruleset.rules[error.rule];
      throw new InputError([
        {
          code: 'IPT0851',
          severity: 'error',
          message: `no program can be made: ${error.message}`,
          ...(rule === undefined ? {} : { span: rule.span, lineText: rule.text }),
        },
      ]);
    }
    if (!(error instanceof TableRefusal)) throw error;
    throw new InputError([
      {
        code: 'IPT0852',
        severity: 'error',
        message: `no program can be made: ${error.place}: ${error.message}`,
      },
    ]);
  }
}

function waivedRules({ findings }: Assessment): Set<number> {
  return new Set(findings.flatMap(({ rule, waiver }) => (waiver === undefined ? [] : [rule.id])));
}

/** What isn't exact and isn't waived. */
function whyNoProgram({ findings, loose, errors }: Assessment): Diagnostic[] {
  const open = [...findings, ...loose, ...errors].filter(({ waiver }) => waiver === undefined);
  return [
    {
      code: 'IPT0850',
      severity: 'error',
      message: `there is no program to run: ${open.length} ${open.length === 1 ? 'finding stands' : 'findings stand'} against carrying the rules over`,
      help: 'change the rules, or accept what is inexact with --waive CODE[@table/CHAIN[:N]]',
    },
    ...open.flatMap((each) => ('diagnostic' in each ? [each.diagnostic] : [])),
  ];
}
