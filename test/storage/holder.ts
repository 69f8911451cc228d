// A process of its own with a pinner's store open: `hold DIR` keeps it open until killed; `ingest DIR BLOCKS`
// receives the segment of `crashSegment` and finishes it, telling its position as it goes.
import { opened } from '../../src/lifecycle.js'
import { crashSegment } from './crash-segment.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'

const [what, dir] = process.argv.slice(2)
const store = await opened(new PinnerStore(dir!))
process.send!('open')
if (what === 'hold') setInterval(() => undefined, 1000)
else {
  const { spec, blocks } = crashSegment()
  const ingest = await store.beginSegment(spec)
  while (ingest.position < spec.end) {
    await ingest.append(blocks(ingest.position, Math.min(spec.end, ingest.position + 3)))
    process.send!(ingest.position)
  }
  process.send!('finishing')
  await ingest.finish()
  process.send!('finished')
  setInterval(() => undefined, 1000)
}
