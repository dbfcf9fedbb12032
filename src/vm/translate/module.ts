// SPDX-License-Identifier: Apache-2.0
// From programs to one WebAssembly module: each BPF function becomes a WebAssembly function with the eleven
// registers as 64-bit locals; each program gets an exported entry that takes its registers from memory.
import type { ProgramSpec } from '../../object/spec.js';
import type { ContextKind } from '../context.js';
import { LoadError } from '../fault.js';
import {
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP,
  CLASS_LD,
  CLASS_LDX,
  CLASS_ST,
  CLASS_STX,
  decode,
  IMM64_FUNCTION,
  IMM64_PLAIN,
  type Instruction,
} from '../isa.js';
import {
  ARGUMENTS,
  FRAME_SIZE,
  FRAMES,
  MAX_FRAMES,
  REGION_FRAMES,
  REGION_FUNCTION,
  REGION_MAP,
  RESULT,
} from '../memory.js';
import { Code, encodeModule, I32, I64, type WasmFunction } from '../wasm.js';
import { emitLoad, emitStore } from './access.js';
import { emitArithmetic, emitCondition } from './alu.js';
import { emitCall, type CallScope, type MapPlace } from './call.js';
import { buildFlow, calleeOf, functionEntries, type FlowFunction } from './flow.js';
import { KnownRegisters } from './known.js';
import { emitStructured } from './structure.js';

export interface TranslationInput {
  readonly programs: readonly { readonly spec: ProgramSpec; readonly context: ContextKind }[];
  readonly maps: ReadonlyMap<string, MapPlace>;
  readonly regionCapacity: number;
  knowsHelper(helper: number): boolean;
}

/** Types, by index. */
const TYPE_FUNCTION = 0;
const TYPE_ENTRY = 1;
const TYPE_SLOW = 2;
const TYPE_HELPER = 3;
const TYPE_LOOKUP = 4;
const TYPE_TAIL_CALL = 5;
const TYPE_FUEL = 6;

const IMPORTS = [
  { name: 'slowLoad', type: TYPE_SLOW },
  { name: 'slowStore', type: TYPE_SLOW },
  { name: 'helper', type: TYPE_HELPER },
  { name: 'lookup', type: TYPE_LOOKUP },
  { name: 'tailCall', type: TYPE_TAIL_CALL },
  { name: 'outOfFuel', type: TYPE_FUEL },
] as const;

/** Locals of every function: r1-r5 and r10 are parameters. */
const REGISTERS = [6, 0, 1, 2, 3, 4, 7, 8, 9, 10, 5] as const;
const LOCAL_WIDE = 11;
const LOCAL_WIDE2 = 12;
const LOCAL_NARROW = 13;
const LOCAL_FRAME = 14;
const LOCAL_STATE = 15;
const LOCALS = [I64, I64, I64, I64, I64, I64, I64, I32, I32, I32];

/** The global that loops count down. */
const GLOBAL_FUEL = 0;

/** Places of faults, as generated code passes them: program number and slot. */
export function placeOf(program: number, slot: number): number {
  return program * 2 ** 20 + slot;
}

export interface Translation {
  readonly bytes: Uint8Array;
  /** Table index of each program's main function; entries are exported as `entry<n>`. */
  readonly mains: readonly number[];
}

/** Throws LoadError, naming program and instruction, for what can't be run. */
export function translate(input: TranslationInput): Translation {
  const functions: WasmFunction[] = [];
  const mains: number[] = [];
  input.programs.forEach(({ spec, context }, program) => {
    mains.push(functions.length);
    try {
      functions.push(...translateProgram(input, spec, context, program, functions.length));
    } catch (error) {
      if (error instanceof LoadError) throw new LoadError(`load \`${spec.name}\`: ${error.message}`);
      throw error;
    }
  });
  const table = functions.map((_, index) => IMPORTS.length + index);
  const entries = mains.map((main, program) =>
    entryFunction(IMPORTS.length + main, `entry${String(program)}`),
  );
  const bytes = encodeModule({
    types: [
      { parameters: [I64, I64, I64, I64, I64, I64], results: [I64] },
      { parameters: [], results: [] },
      { parameters: [I32, I32, I32, I32], results: [] },
      { parameters: [I32, I32], results: [] },
      { parameters: [I32, I32, I32, I32], results: [I32] },
      { parameters: [I32], results: [I32] },
      { parameters: [I32], results: [] },
    ],
    imports: IMPORTS,
    functions: [...functions, ...entries],
    table,
    globals: ['fuel'],
  });
  return { bytes, mains };
}

/** r1-r5 from memory, the first frame, r0 to memory. */
function entryFunction(main: number, exportAs: string): WasmFunction {
  const code = new Code().i32(0);
  for (let number = 0; number < 5; number++) code.i32(0).load(8, ARGUMENTS + 8 * number);
  code
    .i64((BigInt(REGION_FRAMES) << 32n) + BigInt(FRAMES + FRAME_SIZE))
    .call(main)
    .store(8, RESULT)
    .op('end');
  return { type: TYPE_ENTRY, locals: [], code, exportAs };
}

function translateProgram(
  input: TranslationInput,
  spec: ProgramSpec,
  context: ContextKind,
  program: number,
  firstFunction: number,
): WasmFunction[] {
  const slots = decode(spec.instructions);
  const entries = functionEntries(slots);
  const flows = new Map(entries.map((entry) => [entry, buildFlow(slots, entry)]));
  checkDepth(flows);
  const known = new KnownRegisters(spec, flows, context !== 'memory');
  const tableIndex = new Map(entries.map((entry, index) => [entry, firstFunction + index]));
  return entries.map((entry) =>
    translateFunction(input, spec, context, program, flows.get(entry)!, known, tableIndex),
  );
}

/** Frames are numbered along the call chain, so the longest chain must fit and none may be endless. */
function checkDepth(flows: ReadonlyMap<number, FlowFunction>): void {
  const depths = new Map<number, number>();
  const visit = (entry: number, path: readonly number[]): number => {
    if (path.includes(entry))
      throw new LoadError(`the function at instruction ${String(entry)} calls itself`);
    const done = depths.get(entry);
    if (done !== undefined) return done;
    const callees = flows.get(entry)!.blocks.flatMap(({ instructions }) => instructions.map(calleeOf));
    let depth = 1;
    for (const callee of callees) {
      if (callee !== undefined) depth = Math.max(depth, 1 + visit(callee, [...path, entry]));
    }
    depths.set(entry, depth);
    return depth;
  };
  const depth = visit(0, []);
  if (depth > MAX_FRAMES) {
    throw new LoadError(`calls nest ${String(depth)} deep; at most ${String(MAX_FRAMES)} frames are allowed`);
  }
}

function translateFunction(
  input: TranslationInput,
  spec: ProgramSpec,
  context: ContextKind,
  program: number,
  flow: FlowFunction,
  known: KnownRegisters,
  tableIndex: ReadonlyMap<number, number>,
): WasmFunction {
  const code = new Code();
  const references = new Map(spec.references.map((reference) => [reference.instruction, reference]));
  const map = (name: string): MapPlace => {
    const place = input.maps.get(name);
    if (place === undefined) throw new LoadError(`map \`${name}\` isn't in the object`);
    return place;
  };
  const register = (number: number): number => {
    const local = REGISTERS[number];
    if (local === undefined) throw new LoadError(`there is no register r${String(number)}`);
    return local;
  };
  const locals = { register, wide: LOCAL_WIDE, wide2: LOCAL_WIDE2, narrow: LOCAL_NARROW };
  const emitFuel = (slot: number): void => {
    code.globalGet(GLOBAL_FUEL).i32(1).op('i32.sub').globalSet(GLOBAL_FUEL);
    code.globalGet(GLOBAL_FUEL).op('i32.eqz').if().i32(placeOf(program, slot)).call(5).op('end');
  };
  const scope: CallScope = {
    code,
    locals,
    frame: LOCAL_FRAME,
    context,
    tableMask: (input.regionCapacity - 1) << 5,
    value: (name) => {
      const place = map(name);
      const single = place.spec.maxEntries === 1 && place.spec.type === 'array';
      return single
        ? { address: place.firstValue, size: place.spec.valueSize, writable: !place.spec.frozen }
        : undefined;
    },
    slowLoad: 0,
    slowStore: 1,
    helper: 2,
    lookup: 3,
    tailCall: 4,
    functionType: TYPE_FUNCTION,
    functionIndex: (entry) => IMPORTS.length + tableIndex.get(entry)!,
    place: (instruction) => placeOf(program, instruction.slot),
    map,
    emitFuel: (instruction) => {
      emitFuel(instruction.slot);
    },
    knows: (helper) => input.knowsHelper(helper),
  };

  const emitWide = (instruction: Instruction): void => {
    const reference = references.get(instruction.slot);
    const dst = register(instruction.dst);
    const low = BigInt(instruction.imm >>> 0);
    if (reference !== undefined) {
      const place = map(reference.map);
      const { offset } = reference;
      const [region, address] =
        offset === undefined ? [REGION_MAP, place.index] : [place.firstRegion, place.firstValue + offset];
      code.i64((BigInt(region) << 32n) + BigInt(address)).set(dst);
    } else if (instruction.src === IMM64_FUNCTION) {
      const index = tableIndex.get(instruction.slot + 1 + instruction.imm)!;
      code.i64((BigInt(REGION_FUNCTION) << 32n) + BigInt(index)).set(dst);
    } else if (instruction.src === IMM64_PLAIN) {
      code.i64((BigInt(instruction.immHigh) << 32n) | low).set(dst);
    } else {
      throw new LoadError(`ld_imm64 of kind ${String(instruction.src)} without a reference`);
    }
  };

  code.get(register(10)).op('i32.wrap_i64').i32(FRAME_SIZE).op('i32.sub').set(LOCAL_FRAME);
  const body = (block: number): void => {
    let state = known.blockStart(flow.entry, block);
    for (const instruction of flow.blocks[block]!.instructions) {
      try {
        emitInstruction(instruction);
      } catch (error) {
        if (!(error instanceof LoadError)) throw error;
        throw new LoadError(`instruction ${String(instruction.slot)}: ${error.message}`);
      }
      state = known.after(state, instruction);
    }

    function emitInstruction(instruction: Instruction): void {
      switch (instruction.class) {
        case CLASS_ALU:
        case CLASS_ALU64:
          if (instruction.dst === 10) throw new LoadError('r10 is read-only');
          emitArithmetic(code, instruction, locals);
          break;
        case CLASS_LD:
          if (instruction.opcode !== 0x18)
            throw new LoadError('legacy packet access (LD_ABS, LD_IND) is deprecated');
          emitWide(instruction);
          break;
        case CLASS_LDX:
          emitLoad(scope, instruction, state[instruction.src]);
          break;
        case CLASS_ST:
        case CLASS_STX:
          emitStore(scope, instruction, state[instruction.dst]);
          break;
        case CLASS_JMP:
          emitCall(scope, instruction, state);
          break;
        default:
          throw new LoadError(`unknown opcode 0x${instruction.opcode.toString(16)}`);
      }
    }
  };
  emitStructured(
    flow,
    code,
    {
      body,
      condition: ({ instruction }) => {
        emitCondition(code, instruction, locals);
      },
      exit: () => {
        code.get(register(0)).op('return');
      },
      loopHead: (block) => {
        const first = flow.blocks[block]!.instructions[0];
        emitFuel(first?.slot ?? flow.entry);
      },
    },
    LOCAL_STATE,
  );
  code.op('end');
  return { type: TYPE_FUNCTION, locals: LOCALS, code };
}
