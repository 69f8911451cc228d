import { defineConfig } from 'vite'

/** The page: everything in files of its own, as its Content-Security-Policy asks for; what redoes proofs and draws charts comes when it is needed. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'warn',
  publicDir: false,
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    reportCompressedSize: false
  }
})
