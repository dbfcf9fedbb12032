// SPDX-License-Identifier: Apache-2.0
// Map definitions in BTF: each variable of the `.maps` section is a struct whose members say in their
// types what the map is (libbpf's `__uint`, `__type`, `__array`). Documentation/bpf/libbpf.
import {
  BTF_ARRAY,
  BTF_DATASEC,
  BTF_PTR,
  BTF_STRUCT,
  resolveType,
  sizeOfType,
  typeAt,
  type Btf,
  type BtfType,
} from './btf.js';
import { RELOCATION_ABS64, type Elf, type ElfSection, type ElfSymbol } from './elf.js';
import { MAP_TYPES, ObjectError, type MapSpec, type MapType } from './spec.js';

const TYPE_NAMES = new Map<number, MapType>(
  Object.entries(MAP_TYPES).map(([name, number]) => [number, name as MapType]),
);

/** The maps that `.maps` defines, in the order of their symbols' offsets. */
export function readMapDefinitions(elf: Elf, btf: Btf): MapSpec[] {
  const section = elf.sections.find((candidate) => candidate.name === '.maps');
  if (section === undefined) return [];
  const datasec = btf.types.find((type) => type.kind === BTF_DATASEC && type.name === '.maps');
  if (datasec === undefined) throw new ObjectError('read maps: `.maps` has no BTF; compile with -g');
  return elf.symbols
    .filter((symbol) => symbol.section === section.index && symbol.type === 'object')
    .sort((left, right) => left.value - right.value)
    .map((symbol) => {
      const variable = datasec.members
        .map((member) => typeAt(btf, member.typeId))
        .find((candidate) => candidate.name === symbol.name);
      if (variable === undefined) throw new ObjectError(`read maps: \`${symbol.name}\` has no BTF`);
      const definition = resolveType(btf, variable.typeId);
      const spec = readDefinition(btf, symbol.name, definition);
      const slots = readSlots(section, symbol, definition);
      return slots.length === 0 ? spec : { ...spec, slots };
    });
}

function readDefinition(btf: Btf, name: string, definition: BtfType): MapSpec {
  if (definition.kind !== BTF_STRUCT) throw new ObjectError(`read maps: \`${name}\` is no struct`);
  const numbers = new Map<string, number>();
  let keyTypeId = 0;
  let valueTypeId = 0;
  let inner: MapSpec | undefined;
  for (const member of definition.members) {
    const type = resolveType(btf, member.typeId);
    switch (member.name) {
      case 'key':
        keyTypeId = pointee(type, name, member.name);
        break;
      case 'value':
        valueTypeId = pointee(type, name, member.name);
        break;
      case 'values':
        inner = readInner(btf, name, type);
        break;
      default:
        numbers.set(member.name, resolveType(btf, pointee(type, name, member.name)).elements);
    }
  }
  const number = numbers.get('type') ?? 0;
  const type = TYPE_NAMES.get(number);
  if (type === undefined)
    throw new ObjectError(`read maps: \`${name}\` has unknown map type ${String(number)}`);
  const holdsHandles = type === 'array_of_maps' || type === 'hash_of_maps' || type === 'prog_array';
  const defaultSize = holdsHandles || type === 'perf_event_array' ? 4 : 0;
  return {
    name,
    type,
    keySize:
      keyTypeId === 0
        ? (numbers.get('key_size') ?? (type === 'ringbuf' ? 0 : defaultSize))
        : sizeOfType(btf, keyTypeId),
    valueSize: valueTypeId === 0 ? (numbers.get('value_size') ?? defaultSize) : sizeOfType(btf, valueTypeId),
    maxEntries: numbers.get('max_entries') ?? 0,
    flags: numbers.get('map_flags') ?? 0,
    pinned: (numbers.get('pinning') ?? 0) === 1,
    keyTypeId,
    valueTypeId,
    frozen: false,
    ...(inner === undefined ? {} : { inner }),
  };
}

function pointee(type: BtfType, map: string, member: string): number {
  if (type.kind !== BTF_PTR) throw new ObjectError(`read maps: \`${map}.${member}\` is no pointer`);
  return type.typeId;
}

/** `__array(values, struct inner)`: an array of pointers to the inner map's struct, or to programs. */
function readInner(btf: Btf, name: string, values: BtfType): MapSpec | undefined {
  if (values.kind !== BTF_ARRAY) throw new ObjectError(`read maps: \`${name}.values\` is no array`);
  const target = resolveType(btf, pointee(resolveType(btf, values.typeId), name, 'values'));
  return target.kind === BTF_STRUCT ? readDefinition(btf, `${name}.inner`, target) : undefined;
}

/** `.values = { [2] = &in1 }`: each slot is a pointer that the linker would fill. */
function readSlots(
  section: ElfSection,
  symbol: ElfSymbol,
  definition: BtfType,
): { index: number; target: string }[] {
  const values = definition.members.find((member) => member.name === 'values');
  if (values === undefined) return [];
  const first = symbol.value + values.offset / 8;
  return section.relocations
    .filter(
      ({ type, offset }) =>
        type === RELOCATION_ABS64 && offset >= first && offset < symbol.value + symbol.size,
    )
    .map(({ offset, symbol: target }) => ({ index: (offset - first) / 8, target: target.name }));
}
