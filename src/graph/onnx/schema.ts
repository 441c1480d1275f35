// The ONNX messages that a program needs, in protobuf's wire format.
// Field numbers: onnx/onnx.proto, IR version 10 (https://github.com/onnx/onnx).
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { DType, Float8 } from "../types.js";
import type { OnnxAttribute } from "./lowering.js";

/** TensorProto.DataType. */
export const onnxTypes: Record<DType | Float8, number> = {
  f32: 1,
  u8: 2,
  i8: 3,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  bf16: 16,
  f8_e4m3: 17,
  f8_e4m3fnuz: 18,
  f8_e5m2: 19,
  f8_e5m2fnuz: 20,
};

export interface OnnxNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  readonly domain: string;
}

/** Bytes inside the model, or their location in a file beside it. */
export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: DType | Float8;
  readonly shape: readonly number[];
  readonly data: Uint8Array | { readonly file: string; readonly offset: number; readonly length: number };
}

export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType | Float8;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

type Writer = InstanceType<typeof BinaryWriter>;
type Fields = (writer: Writer) => void;

function message(writer: Writer, field: number, fields: Fields): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  fields(writer);
  writer.join();
}

function text(writer: Writer, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function integer(writer: Writer, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function attribute(writer: Writer, name: string, value: OnnxAttribute): void {
  text(writer, 1, name); // AttributeProto.name
  if (typeof value === "number") {
    integer(writer, 3, value); // i
    integer(writer, 20, 2); // type INT
  } else if (typeof value === "string") {
    writer.tag(4, WireType.LengthDelimited).string(value); // s
    integer(writer, 20, 3); // type STRING
  } else if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(value.float); // f
    integer(writer, 20, 1); // type FLOAT
  } else {
    for (const item of value) integer(writer, 8, item); // ints
    integer(writer, 20, 7); // type INTS
  }
}

function node(writer: Writer, { type, name, inputs, outputs, attributes, domain }: OnnxNode): void {
  for (const input of inputs) text(writer, 1, input);
  for (const output of outputs) text(writer, 2, output);
  text(writer, 3, name);
  text(writer, 4, type);
  for (const [key, value] of Object.entries(attributes)) message(writer, 5, (w) => attribute(w, key, value));
  if (domain) text(writer, 7, domain);
}

function entry(writer: Writer, key: string, value: string): void {
  message(writer, 13, (w) => {
    text(w, 1, key);
    text(w, 2, value);
  }); // TensorProto.external_data
}

function tensor(writer: Writer, { name, dtype, shape, data }: OnnxInitializer): void {
  for (const dim of shape) integer(writer, 1, dim);
  integer(writer, 2, onnxTypes[dtype]);
  text(writer, 8, name);
  if (data instanceof Uint8Array) {
    writer.tag(9, WireType.LengthDelimited).bytes(data); // raw_data
    return;
  }
  entry(writer, "location", data.file);
  entry(writer, "offset", String(data.offset));
  entry(writer, "length", String(data.length));
  integer(writer, 14, 1); // data_location EXTERNAL
}

function value(writer: Writer, { name, dtype, shape }: OnnxValue): void {
  text(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensorType) => {
      integer(tensorType, 1, onnxTypes[dtype]);
      message(tensorType, 2, (dims) => {
        for (const dim of shape) {
          message(dims, 1, (w) => (typeof dim === "number" ? integer(w, 1, dim) : text(w, 2, dim)));
        }
      });
    }),
  );
}

/** Encodes a ModelProto. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const writer = new BinaryWriter();
  integer(writer, 1, 10); // ir_version
  text(writer, 2, "nishiki"); // producer_name
  message(writer, 7, (w) => {
    for (const item of graph.nodes) message(w, 1, (inner) => node(inner, item));
    text(w, 2, "program");
    for (const item of graph.initializers) message(w, 5, (inner) => tensor(inner, item));
    for (const item of graph.inputs) message(w, 11, (inner) => value(inner, item));
    for (const item of graph.outputs) message(w, 12, (inner) => value(inner, item));
  });
  const domains: [string, number][] = [
    ["", 21],
    ["com.microsoft", 1],
  ];
  for (const [domain, version] of domains) {
    message(writer, 8, (w) => {
      text(w, 1, domain);
      integer(w, 2, version);
    });
  }
  return writer.finish();
}
