// SPDX-License-Identifier: Apache-2.0
// What goes wrong in the VM: programs that can't be loaded, and programs caught at run time doing what the
// kernel's verifier would never have let them do.
import type { LineSpec, ProgramSpec } from '../object/spec.js';
import { disassemble } from './disassemble.js';
import { decode } from './isa.js';

/** The program can't be run at all: an unknown opcode or helper, recursion, a jump out of the program. */
export class LoadError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LoadError';
  }
}

/** Thrown out of a run. Maps keep what was written before it. */
export class VmFault extends Error {
  /** Id of the last rule that the packet met; set by whoever knows where the program keeps it. */
  lastRule: number | undefined;

  constructor(
    /** What happened, without the place. */
    readonly what: string,
    readonly program: string,
    readonly functionName: string,
    /** Slot in the program. */
    readonly instruction: number,
    readonly disassembly: string,
    readonly line: LineSpec | undefined,
  ) {
    const source = line === undefined ? '' : `\n  ${line.file}:${String(line.line)}: ${line.text}`;
    super(`${what}\n  in ${program}, ${functionName}+${String(instruction)}: ${disassembly}${source}`);
    this.name = 'VmFault';
  }
}

/** Names the place of a fault: `instruction` is a slot of `program`. */
export function faultAt(program: ProgramSpec, instruction: number, what: string): VmFault {
  const place = program.functions.findLast((candidate) => candidate.instruction <= instruction);
  const line = program.lines.findLast(
    (candidate) => candidate.instruction <= instruction && candidate.instruction >= (place?.instruction ?? 0),
  );
  const decoded = decode(program.instructions)[instruction];
  return new VmFault(
    what,
    program.name,
    place?.name ?? program.name,
    instruction,
    decoded === undefined ? '?' : disassemble(decoded),
    line,
  );
}
