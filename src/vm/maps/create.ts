// SPDX-License-Identifier: Apache-2.0
// From map blueprints to maps of the VM: first every map says what memory it needs, then all are built.
import type { MapSpec } from '../../object/spec.js';
import { LoadError } from '../fault.js';
import { Memory, MemoryPlan } from '../memory.js';
import { ArrayMap, planArray } from './array.js';
import { planHash } from './hash.js';
import { planLpm } from './lpm.js';
import type { VmMap } from './map.js';
import { RingBuffer } from './ringbuf.js';

export function createMaps(specs: readonly MapSpec[]): { memory: Memory; maps: VmMap[] } {
  const plan = new MemoryPlan();
  const builders = specs.map((spec, index) => planMap(spec, index, plan));
  const memory = plan.build();
  const maps = builders.map((build) => build(memory));
  for (const map of maps) {
    if (map.spec.type !== 'array_of_maps' || !(map instanceof ArrayMap)) continue;
    for (const { index, target } of map.spec.slots ?? []) {
      const inner = specs.findIndex(({ name }) => name === target);
      if (inner < 0) throw new LoadError(`map \`${map.spec.name}\` names \`${target}\`, which is no map`);
      map.setHandle(index, inner);
    }
  }
  return { memory, maps };
}

function planMap(spec: MapSpec, index: number, plan: MemoryPlan): (memory: Memory) => VmMap {
  switch (spec.type) {
    case 'array':
    case 'percpu_array':
    case 'prog_array':
    case 'array_of_maps':
      return planArray(spec, index, plan);
    case 'hash':
    case 'percpu_hash':
    case 'lru_hash':
    case 'lru_percpu_hash':
    case 'hash_of_maps':
      return planHash(spec, index, plan);
    case 'lpm_trie':
      return planLpm(spec, index, plan);
    case 'ringbuf':
    case 'perf_event_array':
      return () => new RingBuffer(spec, index);
  }
}
