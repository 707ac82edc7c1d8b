/**
 * One output stream of a step: its beginning in memory, all of it up to a limit in a file that is made only
 * when there is much. Where the disk is full, memory holds a little more and the rest is lost.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

/** What was captured of a stream, and is still being. */
export interface Capture {
  /** Takes a piece; one at a time. */
  write(piece: Uint8Array): Promise<void>;
  /** Takes a text of our own, on a line of its own. */
  note(text: string): Promise<void>;
  /** Bytes that are kept. */
  readonly size: number;
  /** Whether the stream was longer than what is kept. */
  readonly cut: boolean;
  /** The beginning as text: 24,000 characters at least, if there are so many. */
  text(): string;
  /** What is kept, in pieces of this many bytes. */
  pieces(length: number): AsyncIterable<Buffer>;
  /** Closes the file; nothing can be read any more. */
  close(): Promise<void>;
}

/** 24,000 characters need at most 72,000 bytes of UTF-8; a few more tell that there are more. */
const headLength = 80 * 1024;
/** What memory holds of one stream beyond its beginning when there is no room on the disk. */
const tailLength = 1024 * 1024;

/** Opens a capture of at most `limit` bytes. `makeFolder` makes the folder of `path`, if need be. */
export function openCapture(path: string, limit: number, makeFolder: () => Promise<void>): Capture {
  const head: Buffer[] = [];
  let headSize = 0;
  let file: FileHandle | undefined;
  /** Bytes in the file: those of the head, and what came after it. */
  let fileSize = 0;
  const tail: Buffer[] = [];
  let tailSize = 0;
  let diskFull = false;
  let cut = false;
  let endsLine = true;

  const size = () => Math.max(headSize, fileSize) + tailSize;

  async function toFile(piece: Buffer): Promise<boolean> {
    if (diskFull) return false;
    try {
      if (file === undefined) {
        await makeFolder();
        file = await open(path, 'w+', 0o600);
        await writeWhole(file, Buffer.concat(head), 0);
        fileSize = headSize;
      }
      await writeWhole(file, piece, fileSize);
      fileSize += piece.length;
      return true;
    } catch {
      diskFull = true;
      return false;
    }
  }

  async function write(given: Uint8Array): Promise<void> {
    if (given.length === 0) return;
    endsLine = given[given.length - 1] === 10;
    const room = Math.max(0, limit - size());
    if (given.length > room) cut = true;
    const piece = Buffer.from(given.buffer, given.byteOffset, Math.min(given.length, room));
    // A copy, since a view would keep the whole buffer that it is a part of.
    const first = Buffer.from(piece.subarray(0, headLength - headSize));
    if (first.length > 0) {
      head.push(first);
      headSize += first.length;
    }
    const rest = piece.subarray(first.length);
    if (rest.length === 0 || (await toFile(rest))) return;
    const last = Buffer.from(rest.subarray(0, tailLength - tailSize));
    if (last.length < rest.length) cut = true;
    tail.push(last);
    tailSize += last.length;
  }

  return {
    write,
    note: (text) => write(Buffer.from(endsLine || size() === 0 ? text : `\n${text}`)),
    get size() {
      return size();
    },
    get cut() {
      return cut;
    },
    text() {
      const decoder = new StringDecoder('utf8');
      const text = head.map((part) => decoder.write(part)).join('');
      // Half a character where the beginning ends is none; where everything ends it is shown as what it is.
      return size() > headSize ? text : text + decoder.end();
    },
    async *pieces(length) {
      for (let at = 0; file !== undefined && at < fileSize; at += length) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
        yield buffer.subarray(0, Math.min(bytesRead, fileSize - at));
      }
      const inMemory = Buffer.concat(fileSize > 0 ? tail : [...head, ...tail]);
      for (let at = 0; at < inMemory.length; at += length) yield inMemory.subarray(at, at + length);
    },
    async close() {
      await file?.close().catch(() => {});
      file = undefined;
    },
  };
}

async function writeWhole(file: FileHandle, piece: Buffer, at: number): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done, at + done);
    done += bytesWritten;
  }
}
