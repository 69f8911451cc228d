import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** A file of the page, as it is sent. */
export interface PageFile {
  type: string
  etag: string
  plain: Buffer
  packed: Buffer
  /** Its name says what is in it: it never changes. */
  lasting: boolean
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8'
}

/** The page as it was built into the package, by path; `/` is its first file. Empty where it was not built. */
export function pageFiles(
  folder = fileURLToPath(new URL('../../../dashboard/', import.meta.url))
): Map<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const name of namesIn(folder)) {
    const type = TYPES[extname(name)]
    if (type === undefined) continue
    const plain = readFileSync(`${folder}/${name}`)
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
    const path = name === 'index.html' ? '/' : `/${name.replaceAll('\\', '/')}`
    files.set(path, { type, etag, plain, packed: gzipSync(plain), lasting: path.startsWith('/assets/') })
  }
  return files
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
