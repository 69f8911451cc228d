import { test } from 'node:test'
import { killChains } from './killed.js'

// npm run check:kill does it more often.
test('a chain that is killed 16 times loses nothing that it acknowledged', (t) => killChains(t, 16))
