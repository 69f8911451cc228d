import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { build, type BuildOptions, type Metafile } from 'esbuild'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** As what shows pages would do it, with nothing left out; whatever only Node has fails the build. */
async function bundle(input: BuildOptions): Promise<{ code: string; meta: Metafile }> {
  const { outputFiles, metafile } = await build({
    ...input,
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    format: 'iife',
    globalName: 'page',
    platform: 'browser',
    conditions: ['browser'],
    external: [],
    logLevel: 'silent'
  })
  return { code: outputFiles[0]!.text, meta: metafile }
}

/** The test's page: its program, and the crypto of the example handed in. */
export function bundlePage(): ReturnType<typeof bundle> {
  const contents = `
    import { crypto } from './examples/browser/crypto.js'
    import { begin } from './dist/test/browser/page.js'
    export * from './dist/test/browser/page.js'
    begin(crypto)
  `
  return bundle({ stdin: { contents, resolveDir: root } })
}

/** Every compiled file of these folders of src, each as an entry, and what all of them load. */
export async function loadedBy(folders: readonly string[], file = 'src/browser.js'): Promise<Metafile> {
  const files = folders.flatMap((folder) =>
    readdirSync(`${root}dist/src/${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => `dist/src/${folder}/${name.replaceAll('\\', '/')}`)
  )
  return (await bundle({ entryPoints: [`dist/${file}`, ...files] })).meta
}

/** What a script may use here: the language, and the two classes that Node and browsers have alike. */
export function pageContext(): vm.Context {
  const context = vm.createContext(
    { encodeUtf8: (text: string) => [...new TextEncoder().encode(text)], TextDecoder },
    { codeGeneration: { strings: false, wasm: false } }
  )
  // Arrays of the page's own, as in a browser: one from outside would be of another class.
  vm.runInContext(
    `globalThis.TextEncoder = class { encode(text) { return Uint8Array.from(encodeUtf8(text)) } }
    delete globalThis.console`,
    context
  )
  return context
}
