import { statfs } from 'node:fs/promises'

/** Bytes that the file system of a folder still gives to this user; Infinity where it does not say. */
export async function diskFreeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return Infinity
  }
}
