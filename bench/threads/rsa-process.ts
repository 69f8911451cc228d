// A process of its own for a bench thread, since OpenSSL looks at OPENSSL_ia32cap only once.
import { Worker, type WorkerOptions } from 'node:worker_threads'

const worker = new Worker(new URL('./rsa.js', import.meta.url), {
  workerData: { work: JSON.parse(process.argv[2]!) as unknown }
} satisfies WorkerOptions)
worker.on('message', (message) => process.send!(message))
process.on('message', (blocks) => worker.postMessage(blocks))
process.on('disconnect', () => process.exit())
