import type Hypercore from 'hypercore'
import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'

/** What a key turned out to be, and the hypercores that it needs. */
export interface Resolved {
  kind: 'drive' | 'core'
  hypercores: Buffer[]
}

/** How long the blobs of what does not look like a drive may take to show themselves. */
const BLOBS_MS = 2_000

/**
 * Asks the swarm, through an open session of the first hypercore, whether a key is a drive's. A drive of which no file has
 * content has no blobs to keep. One that cannot be read, as it is encrypted, is known by the blobs that its key leads to.
 */
export async function resolveKey(store: Corestore, core: Hypercore): Promise<Resolved> {
  const drive = new Hyperdrive(store.session(), core.key)
  try {
    await drive.ready()
    let kind: Resolved['kind'] = 'core'
    // A hyperbee without files is a hypercore like any other.
    for await (const { value } of drive.list('/')) {
      if (value === null || typeof value !== 'object' || !('blob' in value)) break
      kind = 'drive'
      if (value.blob === null || value.blob.byteLength === 0) continue
      const blobs = await drive.getBlobs()
      return { kind, hypercores: blobs ? [core.key, blobs.core.key] : [core.key] }
    }
    if (kind === 'drive') return { kind, hypercores: [core.key] }
  } catch {
    // Blocks that no hyperbee wrote, or that are encrypted.
  } finally {
    await drive.close()
  }
  const blobs = await blobsBeside(store, core)
  return { kind: 'core', hypercores: blobs ? [core.key, blobs] : [core.key] }
}

/** Key of the blobs that belong to a drive of this key, if somebody serves them. */
async function blobsBeside(store: Corestore, core: Hypercore): Promise<Buffer | null> {
  const key = Hyperdrive.getContentKey(core)
  if (key === null) return null
  const blobs = store.get({ key })
  await blobs.ready()
  try {
    if (blobs.length === 0) await blobs.get(0, { timeout: BLOBS_MS }).catch(() => null)
    return blobs.length > 0 ? key : null
  } finally {
    await blobs.close()
  }
}
