// A process of its own that opens a pinner's store: `hold DIR` keeps it open until killed.
import { PinnerStore } from '../../src/storage/pinner-store.js'

const [, dir] = process.argv.slice(2)
await PinnerStore.open(dir!)
process.send!('open')
setInterval(() => undefined, 1000)
