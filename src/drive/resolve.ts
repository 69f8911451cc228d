import type Hypercore from 'hypercore'
import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'

/** What a key turned out to be, and the hypercores that it needs. */
export interface Resolved {
  kind: 'drive' | 'core'
  hypercores: Buffer[]
}

/** Asks the swarm, through an open session of the first hypercore, whether a key is a drive's. */
export async function resolveKey(store: Corestore, core: Hypercore): Promise<Resolved> {
  const drive = new Hyperdrive(store.session(), core.key)
  try {
    await drive.ready()
    // A hyperbee without files is a hypercore like any other.
    for await (const { value } of drive.list('/')) {
      if (typeof value !== 'object' || !('blob' in value)) break
      const blobs = await drive.getBlobs()
      return { kind: 'drive', hypercores: blobs ? [core.key, blobs.core.key] : [core.key] }
    }
  } catch {
    // Blocks that no hyperbee wrote.
  } finally {
    await drive.close()
  }
  return { kind: 'core', hypercores: [core.key] }
}
