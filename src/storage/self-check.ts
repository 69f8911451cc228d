import type Corestore from 'corestore'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { StorageError } from '../errors.js'
import { keyPairFromSeed, randomBytes } from '../crypto/keys.js'
import type { Veil, VeiledStorage } from './veiled-storage.js'

const PROBE_BYTES = 64
const SAMPLE_BYTES = 32

/**
 * Writes and reads one block through a stock hypercore on this very store, and looks at the disk's rows behind
 * its back: a renamed method in another version of hypercore-storage would otherwise store plain blocks.
 *
 * @throws StorageError STORAGE_SELF_CHECK
 */
export async function checkVeil(storage: VeiledStorage, corestore: Corestore): Promise<void> {
  const keyPair = keyPairFromSeed(randomBytes(32))
  const manifest = { version: 1, signers: [{ publicKey: keyPair.publicKey }] } as Hypercore.Manifest
  const key = Hypercore.key(manifest)
  const discoveryKey = crypto.discoveryKey(key)
  const plain = randomBytes(PROBE_BYTES)
  const encoded = masked(plain)
  let dropped = 0
  const veil: Veil = {
    key,
    servable: true,
    reveal: (_index, row) => Promise.resolve(row === null ? null : masked(row)),
    dropped: () => void dropped++
  }

  storage.register(discoveryKey, veil)
  const session = corestore.get({ keyPair, manifest })
  try {
    await session.ready()
    if (!session.key.equals(key)) throw failed('a probe has another key than expected')
    await session.append([plain])
    const rows = await storage.openRows({ key, manifest: session.manifest, discoveryKey })
    try {
      for await (const row of rows.createBlockStream({})) {
        const { value } = row as { value: Buffer }
        if (value.includes(plain.subarray(0, SAMPLE_BYTES)))
          throw failed('a written block is on disk as it was')
      }
      if (dropped !== 1) throw failed('a written block did not pass the veil')
      const tx = rows.write()
      tx.putBlock(0, encoded)
      await tx.flush()
      const read = await session.get(0, { wait: false })
      if (read === null || !read.equals(plain)) throw failed('a stored chunk is not decoded on its way out')
    } finally {
      const tx = rows.write()
      tx.deleteHead()
      tx.deleteBlockRange(0, -1)
      tx.deleteTreeNodeRange(0, -1)
      tx.deleteBitfieldPageRange(0, -1)
      await tx.flush()
      await storage.deleteCore(rows.core)
      await rows.close()
    }
  } finally {
    await session.close()
    storage.unregister(discoveryKey)
  }
}

function masked(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte) => byte ^ 0xa5))
}

function failed(what: string): StorageError {
  return new StorageError(
    'STORAGE_SELF_CHECK',
    `The installed hypercore-storage does not work as it must (${what}); ` +
      'install the versions of package-lock.json with `npm ci`.'
  )
}
