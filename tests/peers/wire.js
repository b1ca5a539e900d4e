// The services as grpc-js sees them, and how a call ended, in the form that all peers print.

const { createRequire } = require("node:module");
const path = require("node:path");

const root = path.resolve(__dirname, "../..");
// What bin/dev/setup has put there.
const installed = createRequire(path.join(root, ".dev/tools/node/here.js"));
const grpc = installed("@grpc/grpc-js");
const loader = installed("@grpc/proto-loader");

const definition = loader.loadSync(
    ["details.proto", "workcenter/v1/profile.proto", "workcenter/v1/jobs.proto"],
    { includeDirs: [__dirname, path.join(root, "proto")], keepCase: true, longs: Number, enums: String, defaults: true },
);
const { peers, workcenter } = grpc.loadPackageDefinition(definition);

// Retries would hide from us how a call ended. What is kept for them is a mebibyte of messages otherwise, written to
// without waiting for the server and searched for each message: of small ones, a minute's work takes hours.
const OPTIONS = {
    "grpc.enable_retries": 0,
    // What does not fit into these is sent one message a turn, which takes half an hour for three million.
    "grpc.retry_buffer_size": 2 ** 30,
    "grpc.per_rpc_retry_buffer_size": 2 ** 30,
};

// The metadata of whoever has `token`; of a stranger if it is empty.
function by(token) {
    const metadata = new grpc.Metadata();
    if (token) metadata.set("authorization", `Bearer ${token}`);
    return metadata;
}

// A message of details.proto.
const read = (name, bytes) => definition[`peers.${name}`].deserialize(bytes);

// How a call ended with `status`: its code, and of an error that comes from the server also what it says.
function ended(status) {
    const code = grpc.status[status.code];
    const [carried] = status.metadata?.get("grpc-status-details-bin") ?? [];
    if (carried === undefined) return { code };
    let reason = "";
    let fields = [];
    for (const { type_url, value } of read("Status", carried).details) {
        const kind = type_url.split("/").pop();
        if (kind === "google.rpc.ErrorInfo") reason = read("ErrorInfo", value).reason;
        if (kind === "google.rpc.BadRequest") {
            fields = read("BadRequest", value).field_violations.map((violation) => violation.field);
        }
    }
    return { code, reason, fields, message: status.details };
}

// The status of `call` when it is over, an error or not.
function lastWord(call) {
    call.on("error", () => {});
    return new Promise((resolve) => call.on("status", resolve));
}

module.exports = { OPTIONS, by, ended, grpc, lastWord, services: workcenter.v1 };
