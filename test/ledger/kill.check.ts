import { test } from 'node:test'
import { SHORT } from '../helpers/form.js'
import { killChains } from './killed.js'

const KILLS = SHORT ? 200 : 2_000

test(`a chain that is killed ${KILLS} times loses nothing that it acknowledged`, (t) => killChains(t, KILLS))
