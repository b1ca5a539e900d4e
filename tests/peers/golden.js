// Makes the calls on which all clients must agree, by grpc-js, and prints how each went as one line of JSON.
//
// node golden.js TARGET TOKEN

const { createHash } = require("node:crypto");

const { OPTIONS, by, ended, grpc, lastWord, services } = require("./wire.js");

const DEADLINE_MS = 300;
// More than any request may have, but for pictures and what is published.
const TOO_LARGE_BYTES = 2 << 20;

const SERVICE = "/workcenter.v1.ProfileService";
const GZIP = { ...OPTIONS, "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip };

const [target, token] = process.argv.slice(2);
const client = (options) => new grpc.Client(target, grpc.credentials.createInsecure(), options);
const { GetProfile, UpdateProfile } = services.ProfileService.service;
const { WatchJobs } = services.JobService.service;

// Calls `path` with the bytes `request`: how that ended, what it brought, and by which id it is known.
async function asked(path, request, { caller = token, options = OPTIONS } = {}) {
    const metadata = by(caller);
    metadata.set("x-request-id", "golden");
    const same = (bytes) => bytes;
    let answer;
    let first;
    const call = client(options).makeUnaryRequest(path, same, same, request, metadata, (_, it) => (answer = it));
    call.on("metadata", (it) => (first = it));
    const status = await lastWord(call);
    const told = ended(status);
    if (told.code === "OK") told.sha256 = createHash("sha256").update(answer).digest("hex");
    // An error without an answer has all of its metadata at the end.
    const [id = null] = [...(first?.get("x-request-id") ?? []), ...status.metadata.get("x-request-id")];
    return { ...told, id };
}

function watched(options) {
    const { path, requestSerialize, responseDeserialize } = WatchJobs;
    const request = { scope: "JOB_SCOPE_MINE" };
    const parts = [path, requestSerialize, responseDeserialize, request, by(token), options];
    const call = client(OPTIONS).makeServerStreamRequest(...parts);
    // Nothing is sent to whoever does not read.
    call.resume();
    return call;
}

async function golden() {
    const me = GetProfile.requestSerialize({ user_id: "me" });
    const bad = UpdateProfile.requestSerialize({
        profile: { address: { country: "Atlantis" }, time_zone: "Nowhere/Never" },
        update_mask: { paths: ["address.country", "time_zone"] },
    });
    const large = UpdateProfile.requestSerialize({ etag: "x".repeat(TOO_LARGE_BYTES) });
    const late = lastWord(watched({ deadline: Date.now() + DEADLINE_MS }));
    const watching = watched({});
    watching.on("metadata", () => watching.cancel());
    const dropped = lastWord(watching);
    return {
        profile: await asked(`${SERVICE}/GetProfile`, me),
        gzip: await asked(`${SERVICE}/GetProfile`, me, { options: GZIP }),
        stranger: await asked(`${SERVICE}/GetProfile`, me, { caller: "" }),
        fields: await asked(`${SERVICE}/UpdateProfile`, bad),
        large: await asked(`${SERVICE}/UpdateProfile`, large),
        malformed: await asked(`${SERVICE}/GetProfile`, Buffer.from([0xff])),
        unknown_method: await asked(`${SERVICE}/Nothing`, Buffer.alloc(0)),
        unknown_service: await asked("/workcenter.v1.Nothing/Nothing", Buffer.alloc(0)),
        // The client's own clock may be the first to say it, without details.
        deadline: { code: ended(await late).code },
        cancel: { code: ended(await dropped).code },
    };
}

golden().then((told) => {
    console.log(JSON.stringify(told));
    process.exit();
});
