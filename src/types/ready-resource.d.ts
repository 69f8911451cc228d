/** What is used of ready-resource: opening and closing once, however often it is asked for. */
declare module 'ready-resource' {
  import { EventEmitter } from 'node:events'

  export default class ReadyResource extends EventEmitter {
    readonly opening: Promise<void> | null
    readonly closing: Promise<void> | null
    readonly opened: boolean
    readonly closed: boolean
    ready(): Promise<void>
    close(): Promise<void>
    protected _open(): Promise<void>
    protected _close(): Promise<void>
  }
}
