// SPDX-License-Identifier: Apache-2.0
// The part of JavaScript's WebAssembly API that the VM uses; its types come with browsers' libraries only.

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmExports {
  readonly fuel: { value: number };
  readonly table: { get(index: number): (...registers: bigint[]) => bigint };
  readonly [entry: `entry${number}`]: () => void;
}

interface WasmApi {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: {
      readonly vm: Readonly<Record<string, WasmMemory | ((...args: number[]) => number | undefined)>>;
    },
  ) => { readonly exports: WasmExports };
}

export const wasm: WasmApi = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
