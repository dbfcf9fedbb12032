// SPDX-License-Identifier: Apache-2.0
// What a booted machine is given: objects as loader.c reads them, and the initramfs around them
// (newc: Documentation/driver-api/early-userspace/buffer-format.rst).
import { functionInfo, lineInfo, MAP_TYPES, type BpfObject } from '../../src/object/object.js';

/** Little-endian words and padded bytes, in order. */
class ImageWriter {
  private readonly parts: Uint8Array[] = [];

  word(...values: number[]): this {
    this.parts.push(new Uint8Array(Uint32Array.from(values).buffer));
    return this;
  }

  bytes(data: Uint8Array): this {
    this.parts.push(data, new Uint8Array(-data.length & 3));
    return this;
  }

  /** At most `size - 1` characters, NUL-terminated. */
  name(text: string, size: number): this {
    const field = Buffer.alloc(size);
    field.write(text.replace(/^\./, '').slice(0, size - 1), 'latin1');
    return this.bytes(field);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}

/** enum bpf_prog_type. */
const PROGRAM_TYPES = new Map<string, number>([
  ['sched_cls', 3],
  ['xdp', 6],
]);

/** All objects by name: TC and XDP programs. */
export function objectsImage(objects: ReadonlyMap<string, BpfObject>): Uint8Array {
  const image = new ImageWriter().word(objects.size);
  for (const [name, { btf, maps, programs }] of objects) {
    if (btf === undefined) throw new Error(`${name}: an object without BTF`);
    image.name(name, 32).word(btf.length).bytes(btf).word(maps.length);
    for (const map of maps) {
      const contents = map.contents ?? new Uint8Array(0);
      image
        .name(map.name, 16)
        .word(MAP_TYPES[map.type], map.keySize, map.valueSize, map.maxEntries, map.flags);
      image.word(map.frozen ? 1 : 0, contents.length).bytes(contents);
    }
    image.word(programs.length);
    for (const program of programs) {
      const { references } = program;
      const functions = functionInfo(program.functions) ?? new Uint8Array(0);
      const lines = lineInfo(program.lines);
      image
        .name(program.name, 16)
        .word(typeOf(program.type))
        .word(program.instructions.length / 8)
        .bytes(program.instructions);
      image.word(references.length);
      for (const { instruction, map, offset } of references) {
        const index = maps.findIndex((each) => each.name === map);
        image.word(instruction, index, offset ?? 0xffffffff);
      }
      image.word(functions.length / 8).bytes(functions);
      image.word(lines.length / 16).bytes(lines);
    }
  }
  return image.finish();
}

function typeOf(name: string): number {
  const type = PROGRAM_TYPES.get(name);
  if (type === undefined) throw new Error(`programs of type ${name} are not loaded here`);
  return type;
}

/** An uncompressed initramfs of these executable files. */
export function initramfs(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Buffer[] = [];
  const put = (name: string, mode: number, contents: Uint8Array): void => {
    const fields = [parts.length + 1, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = `070701${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(Buffer.from(head), Buffer.alloc(-head.length & 3));
    parts.push(Buffer.from(contents), Buffer.alloc(-contents.length & 3));
  };
  for (const [name, contents] of files) put(name, 0o100755, contents);
  put('TRAILER!!!', 0, new Uint8Array(0));
  return Buffer.concat(parts);
}
