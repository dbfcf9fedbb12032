// SPDX-License-Identifier: Apache-2.0
// An instruction as text, in the kernel's own notation (kernel/bpf/disasm.c), for fault messages.
import {
  accessSize,
  ALU,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_XCHG,
  CALL_LOCAL,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP,
  CLASS_JMP32,
  CLASS_LD,
  CLASS_LDX,
  CLASS_ST,
  JUMP,
  jumpTarget,
  MODE_ATOMIC,
  MODE_MEMSX,
  type Instruction,
} from './isa.js';

const ALU_SIGNS = new Map<number, string>([
  [ALU.add, '+='],
  [ALU.sub, '-='],
  [ALU.mul, '*='],
  [ALU.div, '/='],
  [ALU.or, '|='],
  [ALU.and, '&='],
  [ALU.lsh, '<<='],
  [ALU.rsh, '>>='],
  [ALU.mod, '%='],
  [ALU.xor, '^='],
  [ALU.mov, '='],
  [ALU.arsh, 's>>='],
]);

const JUMP_SIGNS = new Map<number, string>([
  [JUMP.jeq, '=='],
  [JUMP.jgt, '>'],
  [JUMP.jge, '>='],
  [JUMP.jset, '&'],
  [JUMP.jne, '!='],
  [JUMP.jsgt, 's>'],
  [JUMP.jsge, 's>='],
  [JUMP.jlt, '<'],
  [JUMP.jle, '<='],
  [JUMP.jslt, 's<'],
  [JUMP.jsle, 's<='],
]);

const ATOMIC_NAMES = new Map<number, string>([
  [ALU.add, 'add'],
  [ALU.or, 'or'],
  [ALU.and, 'and'],
  [ALU.xor, 'xor'],
]);

/** `(71) r1 = *(u8 *)(r6 +12)`. */
export function disassemble(instruction: Instruction): string {
  return `(${instruction.opcode.toString(16).padStart(2, '0')}) ${text(instruction)}`;
}

function text(instruction: Instruction): string {
  switch (instruction.class) {
    case CLASS_ALU:
    case CLASS_ALU64:
      return arithmetic(instruction);
    case CLASS_JMP:
    case CLASS_JMP32:
      return jump(instruction);
    case CLASS_LD: {
      const value = (BigInt(instruction.immHigh) << 32n) | BigInt(instruction.imm >>> 0);
      return `r${String(instruction.dst)} = 0x${BigInt.asUintN(64, value).toString(16)} ll`;
    }
    default:
      return memory(instruction);
  }
}

function arithmetic(instruction: Instruction): string {
  const { opcode, offset, imm } = instruction;
  const letter = instruction.class === CLASS_ALU64 ? 'r' : 'w';
  const dst = `${letter}${String(instruction.dst)}`;
  const operation = opcode & 0xf0;
  if (operation === ALU.neg) return `${dst} = -${dst}`;
  if (operation === ALU.end) {
    const name = instruction.class === CLASS_ALU64 ? 'bswap' : (opcode & 8) === 0 ? 'le' : 'be';
    return `r${String(instruction.dst)} = ${name}${String(imm)} r${String(instruction.dst)}`;
  }
  const operand = (opcode & 8) === 0 ? String(imm) : `${letter}${String(instruction.src)}`;
  const sign = ALU_SIGNS.get(operation) ?? `op${operation.toString(16)}`;
  if (operation === ALU.mov) return `${dst} = ${offset === 0 ? '' : `(s${String(offset)})`}${operand}`;
  return `${dst} ${offset === 1 ? `s${sign}` : sign} ${operand}`;
}

function jump(instruction: Instruction): string {
  const { opcode } = instruction;
  const operation = opcode & 0xf0;
  const target = String(jumpTarget(instruction));
  if (operation === JUMP.exit) return 'exit';
  if (operation === JUMP.ja) return `goto ${target}`;
  if (operation === JUMP.call) {
    if ((opcode & 8) !== 0) return `callx r${String(instruction.dst)}`;
    return instruction.src === CALL_LOCAL
      ? `call pc+${String(instruction.slot + 1 + instruction.imm)}`
      : `call helper#${String(instruction.imm)}`;
  }
  const letter = instruction.class === CLASS_JMP ? 'r' : 'w';
  const operand = (opcode & 8) === 0 ? String(instruction.imm) : `${letter}${String(instruction.src)}`;
  return `if ${letter}${String(instruction.dst)} ${JUMP_SIGNS.get(operation) ?? '?'} ${operand} goto ${target}`;
}

function memory(instruction: Instruction): string {
  const { opcode, offset, imm } = instruction;
  const bits = String(accessSize(opcode) * 8);
  const at = (register: number): string =>
    `(r${String(register)} ${offset < 0 ? '-' : '+'}${String(Math.abs(offset))})`;
  const mode = opcode & 0xe0;
  if (instruction.class === CLASS_LDX) {
    const sign = mode === MODE_MEMSX ? 's' : 'u';
    return `r${String(instruction.dst)} = *(${sign}${bits} *)${at(instruction.src)}`;
  }
  const place = `*(u${bits} *)${at(instruction.dst)}`;
  if (instruction.class === CLASS_ST) return `${place} = ${String(imm)}`;
  const source = `r${String(instruction.src)}`;
  if (mode !== MODE_ATOMIC) return `${place} = ${source}`;
  if (imm === ATOMIC_XCHG) return `${source} = xchg(${place}, ${source})`;
  if (imm === ATOMIC_CMPXCHG) return `r0 = cmpxchg(${place}, r0, ${source})`;
  const name = ATOMIC_NAMES.get(imm & ~ATOMIC_FETCH) ?? '?';
  return (imm & ATOMIC_FETCH) === 0
    ? `lock ${name} ${place}, ${source}`
    : `${source} = fetch_${name}(${place}, ${source})`;
}
