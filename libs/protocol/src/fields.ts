import type { VersionRange } from './versions.ts'

/** Wire types without inner structure. */
export type ScalarKind =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'bytes'
  | 'records'
  | 'uuid'

export type FieldType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'array'; readonly of: FieldType }
  | { readonly kind: 'struct'; readonly fields: Table }

/** What a table says about one field besides its type. */
export interface FieldOptions<T = unknown> {
  /** Versions that have the field; without it all have. */
  readonly versions?: VersionRange
  /** Versions in which the field may be null. */
  readonly nullable?: VersionRange
  /** The value when it is absent, on reading and on writing. Without it: 0, false, '', empty, the zero UUID. */
  readonly fallback?: T | null
  /** Number of a tagged field (KIP-482); it is then written only when it differs from the fallback. */
  readonly tag?: number
  /** A version without the field drops the value silently instead of refusing to write it. */
  readonly ignorable?: true
}

declare const decoded: unique symbol
declare const encodable: unique symbol

/** One field of a table. `Decoded` is what reading yields, `Encodable` what writing accepts. */
export interface Field<Decoded = unknown, Encodable = unknown, Options = unknown> {
  readonly type: FieldType
  readonly options: FieldOptions & Options
  readonly [decoded]?: Decoded
  readonly [encodable]?: Encodable
}

/** The fields of a struct in wire order. */
export type Table = { readonly [name: string]: Field }

/** What reading a table yields: every field present, whatever the version. */
export type DecodedTable<T extends Table> = { [K in keyof T]: DecodedField<T[K]> }

/** What writing a table accepts: fields that are optional, tagged or not in every version may be left out. */
export type EncodableTable<T extends Table> = {
  readonly [K in Exclude<keyof T, OmittableKeys<T>>]: EncodableField<T[K]>
} & { readonly [K in OmittableKeys<T>]?: EncodableField<T[K]> | undefined }

type DecodedField<F> = F extends Field<infer D, unknown, infer O> ? D | OrNull<O> : never
type EncodableField<F> = F extends Field<unknown, infer E, infer O> ? E | OrNull<O> : never
type OrNull<O> = O extends { readonly nullable: VersionRange } ? null : never
type OmittableKeys<T extends Table> = {
  [K in keyof T]: T[K] extends Field<unknown, unknown, infer O> ? (O extends Omittable ? K : never) : never
}[keyof T]
type Omittable = { readonly versions: VersionRange } | { readonly fallback: unknown } | { readonly tag: number }

/** Options of a field that was declared without any: nothing about it is optional or nullable. */
type NoOptions = FieldOptions & { readonly [key in 'versions' | 'nullable' | 'fallback' | 'tag']?: never }

type Scalar<T> = <const O extends FieldOptions<T> = NoOptions>(options?: O) => Field<T, T, O>

export const boolean: Scalar<boolean> = scalar('boolean')
export const int8: Scalar<number> = scalar('int8')
export const int16: Scalar<number> = scalar('int16')
export const uint16: Scalar<number> = scalar('uint16')
export const int32: Scalar<number> = scalar('int32')
/** A JavaScript number: exact within ±(2^53 - 1). */
export const int64: Scalar<number> = scalar('int64')
export const float64: Scalar<number> = scalar('float64')
export const string: Scalar<string> = scalar('string')
export const bytes: Scalar<Buffer> = scalar('bytes')
/** Kafka's text form of a UUID, 22 characters of base64url. */
export const uuid: Scalar<string> = scalar('uuid')

/** Record batches: handed through as they are, on writing also as several buffers, by reference. */
export function records<const O extends FieldOptions<Buffer> = NoOptions>(
  options?: O,
): Field<Buffer, Buffer | readonly Buffer[], O> {
  return field({ kind: 'records' }, options)
}

export function array<D, E, const O extends FieldOptions<readonly never[]> = NoOptions>(
  of: Field<D, E>,
  options?: O,
): Field<D[], readonly E[], O> {
  return field({ kind: 'array', of: of.type }, options)
}

export function struct<T extends Table, const O extends FieldOptions<never> = NoOptions>(
  fields: T,
  options?: O,
): Field<DecodedTable<T>, EncodableTable<T>, O> {
  return field({ kind: 'struct', fields }, options)
}

function scalar<T>(kind: ScalarKind): Scalar<T> {
  return (options) => field({ kind }, options)
}

function field<D, E, O extends FieldOptions>(type: FieldType, options: O | undefined): Field<D, E, O> {
  return { type, options: (options ?? {}) as FieldOptions & O }
}
