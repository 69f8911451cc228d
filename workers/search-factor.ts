import { factorBytes } from '../src/crypto/bounty.js'
import { factorLanes } from '../src/crypto/factor-engine.js'
import { searchFactor } from '../src/crypto/factor-search.js'
import { bigintOf } from '../src/crypto/rsa-key.js'
import { workerTask } from './task.js'

/** One step of the search for a factor of a modulus: special forms, or as many curves as are done at once; seconds at the most. */
export default workerTask<'search-factor'>(({ modulus, seed, from }) => {
  const { factor, next } = searchFactor(bigintOf(modulus), {
    seed,
    from,
    steps: from === 0 ? 1 : factorLanes()
  })
  return { factor: factor === undefined ? null : factorBytes(factor), next }
})
