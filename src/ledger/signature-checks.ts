/** Operations whose signatures a worker checks: all in one piece of memory, which crosses threads as it is. */
export interface SignatureTask {
  chainId: Uint8Array
  bytes: Uint8Array
  lengths: Uint32Array
}

/** Operations of one call: enough that a call costs nothing beside them. */
const WIRES_PER_CALL = 256

/** Does a task of workers/verify-signatures, as `Engine.call` does. */
export type CallWorker = (name: 'verify-signatures', task: SignatureTask) => Promise<Uint8Array>

export function packWires(chainId: Uint8Array, wires: readonly Uint8Array[]): SignatureTask {
  // A copy in memory of its own: a pooled Buffer would take its whole pool along.
  const bytes = new Uint8Array(wires.reduce((sum, wire) => sum + wire.byteLength, 0))
  let offset = 0
  for (const wire of wires) {
    bytes.set(wire, offset)
    offset += wire.byteLength
  }
  return {
    chainId: Uint8Array.from(chainId),
    bytes,
    lengths: Uint32Array.from(wires, (wire) => wire.byteLength)
  }
}

export function unpackWires({ bytes, lengths }: SignatureTask): Uint8Array[] {
  const wires: Uint8Array[] = []
  let offset = 0
  for (const length of lengths) {
    wires.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return wires
}

/** Checks signatures on worker threads: one byte an operation, as `verifySignatures` gives them. */
export function signaturesOnWorkers(
  call: CallWorker
): (chainId: Uint8Array, wires: readonly Uint8Array[]) => Promise<Uint8Array> {
  return async (chainId, wires) => {
    const calls: Promise<Uint8Array>[] = []
    for (let from = 0; from < wires.length; from += WIRES_PER_CALL) {
      calls.push(call('verify-signatures', packWires(chainId, wires.slice(from, from + WIRES_PER_CALL))))
    }
    return Uint8Array.from((await Promise.all(calls)).flatMap((flags) => [...flags]))
  }
}
