// SPDX-License-Identifier: Apache-2.0
// Every program of the bpf_conformance suite (RFC 9669) gives its result in the VM.
import { describe, expect, it } from 'vitest';
import { Vm } from '../../src/vm/vm.js';
import { assemble, programOf } from '../support/bpf-assembler.js';
import { conformanceDirectory, readConformanceCases } from '../support/bpf-conformance.js';

const directory = conformanceDirectory();

describe.skipIf(directory === undefined)('bpf_conformance in the VM (needs IPT2EBPF_DATA)', () => {
  const cases = directory === undefined ? [] : readConformanceCases(directory);

  it('finds all 162 programs', () => {
    expect(cases.length).toBe(162);
  });

  it.each(cases.map((item) => [item.name, item] as const))('%s', (_, { assembly, memory, result }) => {
    const vm = new Vm({ programs: [programOf(assemble(assembly))], maps: [] }, { context: 'memory' });
    expect(vm.runMemory('test', memory)).toBe(result);
  });
});
