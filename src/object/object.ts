// SPDX-License-Identifier: Apache-2.0
// From object bytes to Specs: the one door into this folder. Reading never looks at the host, so the same
// bytes give the same Specs everywhere; src/vm and src/kernel turn them into running things.
import { btfForKernel, readBtf, type Btf } from './btf.js';
import { readBtfExtension, type SectionExtension } from './btf-ext.js';
import { readMapDefinitions } from './btf-maps.js';
import { readElf, stringAt, type Elf, type ElfSection } from './elf.js';
import { linkProgram, readFunctions } from './link.js';
import {
  MAP_FLAG_READ_ONLY_PROGRAM,
  ObjectError,
  type BpfObject,
  type MapSpec,
  type ProgramType,
} from './spec.js';

export * from './spec.js';

/** Longest prefix first; what follows the prefix and a `/` is the attach target. */
const SECTION_TYPES: readonly (readonly [string, ProgramType])[] = [
  ['classifier', 'sched_cls'],
  ['tcx', 'sched_cls'],
  ['tc', 'sched_cls'],
  ['xdp', 'xdp'],
  ['netfilter', 'netfilter'],
  ['cgroup_skb', 'cgroup_skb'],
  ['socket', 'socket_filter'],
  ['tp_btf', 'tracing'],
  ['raw_tp', 'raw_tracepoint'],
  ['raw_tracepoint', 'raw_tracepoint'],
  ['tp', 'tracepoint'],
  ['tracepoint', 'tracepoint'],
];

/**
 * Reads an object file. Programs: every global function of every executable section but `.text`.
 * Throws ObjectError, naming the step, where the bytes aren't a BPF object this reader understands.
 */
export function readObject(bytes: Uint8Array): BpfObject {
  const elf = readElf(bytes);
  const btf = readTypes(elf);
  const extensions = readExtensions(elf, btf);
  const definitions = btf === undefined ? [] : readMapDefinitions(elf, btf);
  const dataSections = elf.sections.filter(isDataSection);
  const functions = readFunctions(elf);
  const license = readLicense(elf);
  const input = {
    elf,
    functions,
    extensions,
    mapSection: elf.sections.find(({ name }) => name === '.maps'),
    dataSections: new Set(dataSections.map(({ index }) => index)),
  };
  const programs = functions
    .filter(({ global, section }) => global && section.name !== '.text')
    .map((symbol) => ({
      name: symbol.name,
      section: symbol.section.name,
      ...programType(symbol.section.name),
      ...linkProgram(symbol, input),
      license,
    }));
  return {
    programs,
    maps: [...definitions, ...dataSections.map((section) => dataMap(section, btf))],
    ...(btf === undefined ? {} : { btf: btfForKernel(btf, elf) }),
  };
}

function readTypes(elf: Elf): Btf | undefined {
  const section = elf.sections.find(({ name }) => name === '.BTF');
  return section === undefined ? undefined : readBtf(section.data);
}

function readExtensions(elf: Elf, btf: Btf | undefined): Map<string, SectionExtension> {
  const section = elf.sections.find(({ name }) => name === '.BTF.ext');
  return section === undefined || btf === undefined ? new Map() : readBtfExtension(section.data, btf);
}

/** `.data`, `.bss`, `.rodata` and their `.rodata.<name>` kin; an empty section is no map. */
function isDataSection(section: ElfSection): boolean {
  return section.size > 0 && /^\.(data|bss|rodata)($|\.)/.test(section.name);
}

function dataMap(section: ElfSection, btf: Btf | undefined): MapSpec {
  if (section.relocations.length > 0) {
    throw new ObjectError(`read maps: \`${section.name}\` holds pointers, which no map can`);
  }
  const frozen = section.name.startsWith('.rodata');
  return {
    name: section.name,
    type: 'array',
    keySize: 4,
    valueSize: section.size,
    maxEntries: 1,
    flags: frozen ? MAP_FLAG_READ_ONLY_PROGRAM : 0,
    pinned: false,
    keyTypeId: 0,
    valueTypeId: btf?.types.find(({ name }) => name === section.name)?.id ?? 0,
    contents: section.data,
    frozen,
  };
}

function readLicense(elf: Elf): string {
  const section = elf.sections.find(({ name }) => name === 'license');
  return section === undefined ? '' : stringAt(section.data, 0);
}

function programType(section: string): { type: ProgramType; attachTo?: string } {
  const [prefix = '', ...rest] = section.split('/');
  const type = SECTION_TYPES.find(([name]) => name === prefix)?.[1] ?? 'unknown';
  return rest.length === 0 ? { type } : { type, attachTo: rest.join('/') };
}

/** `struct bpf_func_info` records, as BPF_PROG_LOAD takes them; undefined when any function has no BTF. */
export function functionInfo(functions: BpfObject['programs'][number]['functions']): Uint8Array | undefined {
  if (functions.some(({ typeId }) => typeId === 0)) return undefined;
  const words = functions.flatMap(({ instruction, typeId }) => [instruction, typeId]);
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** `struct bpf_line_info` records, as BPF_PROG_LOAD takes them. */
export function lineInfo(lines: BpfObject['programs'][number]['lines']): Uint8Array {
  const words = lines.flatMap(({ instruction, fileOffset, textOffset, line, column }) => [
    instruction,
    fileOffset,
    textOffset,
    line * 1024 + column,
  ]);
  return new Uint8Array(Uint32Array.from(words).buffer);
}
