import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { InputError } from '../errors.js'
import type { Address } from './setting.js'

/**
 * Has a server listen; resolves to where a browser or a client finds it.
 *
 * @param address with port 0 for any that is free
 * @throws InputError HTTP_FAILED
 */
export async function listenAt(server: FastifyInstance, { host, port }: Address): Promise<string> {
  await server.listen({ host, port }).catch((cause: Error) => {
    const why = `nothing can listen at ${host}:${port}: ${cause.message}; choose another --http`
    throw new InputError('HTTP_FAILED', why, { cause })
  })
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${shown}:${(server.server.address() as AddressInfo).port}`
}
