// SPDX-License-Identifier: Apache-2.0
// Opens a capture, tells pcap from pcapng by content, and hands out its packets in batches with flat memory.
import { createReadStream } from 'node:fs';
import { ByteWindow } from './byte-window.js';
import type { CapturedPacket, CaptureFormat } from './captured-packet.js';
import { CaptureFault } from './fault.js';
import { isPcapMagic, readPcap } from './pcap.js';
import { readPcapng, SECTION_HEADER_BLOCK } from './pcapng.js';

const READ_BYTES = 256 * 1024;

export interface CaptureReader {
  readonly file: string;
  readonly format: CaptureFormat;
  /** To be walked once. Throws a CaptureFault at the first damaged place, after the packets before it. */
  readonly batches: AsyncGenerator<CapturedPacket[]>;
  /** Bytes read so far, for progress. */
  bytesRead(): number;
  /** Lets go of the file before its end was reached. */
  close(): Promise<void>;
}

/** `-` is standard input. Throws a CaptureFault when the file can't be read or is no capture. */
export async function openCapture(file: string): Promise<CaptureReader> {
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
  return readCapture(stream, file);
}

/** The same over any byte stream; `file` names it in messages. */
export async function readCapture(stream: AsyncIterable<Uint8Array>, file: string): Promise<CaptureReader> {
  const window = new ByteWindow(readable(stream, file));
  const format = await detectFormat(window, file);
  return {
    file,
    format,
    batches: format === 'pcap' ? readPcap(window, file) : readPcapng(window, file),
    bytesRead: () => window.offset,
    close: () => window.close(),
  };
}

/** Whether a file that starts with this number (big endian) is a capture. */
export function isCaptureStart(magic: number): boolean {
  return magic === SECTION_HEADER_BLOCK || isPcapMagic(magic);
}

async function detectFormat(window: ByteWindow, file: string): Promise<CaptureFormat> {
  if (!(await window.fill(4))) {
    const what = window.available === 0 ? 'the file is empty' : `the file has only ${window.available} bytes`;
    throw new CaptureFault('IPT0822', { file }, `${what}; this is no capture`);
  }
  const magic = window.u32(0, false);
  if (magic === SECTION_HEADER_BLOCK) return 'pcapng';
  if (isPcapMagic(magic)) return 'pcap';
  await window.close();
  const shown = magic.toString(16).padStart(8, '0');
  throw new CaptureFault(
    'IPT0822',
    { file, byteOffset: 0 },
    `starts with ${shown}; this is no pcap or pcapng capture`,
  );
}

/** Errors of the file system as faults of the capture, with its name (EISDIR comes without one). */
async function* readable(stream: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  let offset = 0;
  try {
    for await (const chunk of stream) {
      offset += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error;
    throw new CaptureFault(
      'IPT0821',
      { file, ...(offset === 0 ? {} : { byteOffset: offset }) },
      ERRNO_TEXT[String(error.code)] ?? `can't be read: ${error.message}`,
    );
  }
}

const ERRNO_TEXT: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a directory, not a capture',
  EACCES: 'permission denied',
};
