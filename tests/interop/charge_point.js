// One full OCPP 1.6 session by ocpp-rpc in strict mode, an implementation that shares nothing with ours.
//
//   node charge_point.js ws://127.0.0.1:9000 DEVICE_ID PASSWORD ID_TAG
//
// Says everything that a charge point can say, prints a line {"event":"listening"}, answers the central system's CALLs
// until standard input ends, then prints {"event":"done", ...} and ends: code 0 if no message of either side broke a schema.
"use strict";

const { RPCClient } = require("ocpp-rpc");

const [endpoint, identity, password, idTag] = process.argv.slice(2);
const complaints = [];
const answered = [];
const called = [];

// What the charge point answers, by action.
const ANSWERS = {
  CancelReservation: { status: "Accepted" },
  CertificateSigned: { status: "Accepted" },
  ChangeAvailability: { status: "Accepted" },
  ChangeConfiguration: { status: "Accepted" },
  ClearCache: { status: "Accepted" },
  ClearChargingProfile: { status: "Accepted" },
  DataTransfer: { status: "Accepted" },
  DeleteCertificate: { status: "Accepted" },
  ExtendedTriggerMessage: { status: "Accepted" },
  GetCompositeSchedule: {
    status: "Accepted",
    connectorId: 1,
    scheduleStart: "2025-06-02T10:00:00Z",
    chargingSchedule: { duration: 60, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
  },
  GetConfiguration: { configurationKey: [{ key: "HeartbeatInterval", readonly: false, value: "300" }] },
  GetDiagnostics: { fileName: "diagnostics.txt" },
  GetInstalledCertificateIds: {
    status: "Accepted",
    certificateHashData: [
      { hashAlgorithm: "SHA256", issuerNameHash: "ab", issuerKeyHash: "cd", serialNumber: "1f" },
    ],
  },
  GetLocalListVersion: { listVersion: 0 },
  GetLog: { status: "Accepted", filename: "log.txt" },
  InstallCertificate: { status: "Accepted" },
  RemoteStartTransaction: { status: "Accepted" },
  RemoteStopTransaction: { status: "Accepted" },
  ReserveNow: { status: "Accepted" },
  Reset: { status: "Accepted" },
  SendLocalList: { status: "Accepted" },
  SetChargingProfile: { status: "Accepted" },
  SignedUpdateFirmware: { status: "Accepted" },
  TriggerMessage: { status: "Accepted" },
  UnlockConnector: { status: "Unlocked" },
  UpdateFirmware: {},
};

function print(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function now() {
  return new Date().toISOString();
}

function meterValue(wh, context) {
  const register = { value: String(wh), context, measurand: "Energy.Active.Import.Register", unit: "Wh" };
  const power = { value: "11000.0", context, measurand: "Power.Active.Import", unit: "W" };
  return { timestamp: now(), sampledValue: [register, power] };
}

async function session(client) {
  async function call(action, payload) {
    try {
      const answer = await client.call(action, payload);
      called.push(action);
      return answer;
    } catch (error) {
      complaints.push(`${action}: ${error.name} ${error.message}`);
      return {};
    }
  }

  await call("BootNotification", {
    chargePointVendor: "Interop",
    chargePointModel: "Strict",
    chargePointSerialNumber: "I-1",
    firmwareVersion: "1.0",
  });
  for (const connectorId of [0, 1]) {
    await call("StatusNotification", { connectorId, status: "Available", errorCode: "NoError", timestamp: now() });
  }
  await call("Heartbeat", {});
  await call("Authorize", { idTag });
  await call("StatusNotification", { connectorId: 1, status: "Preparing", errorCode: "NoError", timestamp: now() });
  const started = await call("StartTransaction", { connectorId: 1, idTag, meterStart: 1000, timestamp: now() });
  const transactionId = started.transactionId;
  if (started.idTagInfo && started.idTagInfo.status !== "Accepted") {
    complaints.push(`StartTransaction: the tag is ${started.idTagInfo.status}`);
  }
  await call("StatusNotification", { connectorId: 1, status: "Charging", errorCode: "NoError", timestamp: now() });
  for (const [wh, context] of [[1000, "Transaction.Begin"], [1500, "Sample.Periodic"], [2000, "Sample.Periodic"]]) {
    await call("MeterValues", { connectorId: 1, transactionId, meterValue: [meterValue(wh, context)] });
  }
  await call("StopTransaction", {
    transactionId,
    idTag,
    meterStop: 2500,
    timestamp: now(),
    reason: "Local",
    transactionData: [meterValue(1000, "Transaction.Begin"), meterValue(2500, "Transaction.End")],
  });
  for (const status of ["Finishing", "Available"]) {
    await call("StatusNotification", { connectorId: 1, status, errorCode: "NoError", timestamp: now() });
  }
  await call("MeterValues", { connectorId: 1, meterValue: [meterValue(2500, "Sample.Clock")] });
  await call("DataTransfer", { vendorId: "Interop", messageId: "Hello", data: "world" });
  for (const status of ["Uploading", "Uploaded", "UploadFailed", "Idle"]) {
    await call("DiagnosticsStatusNotification", { status });
  }
  for (const status of ["Downloading", "Downloaded", "Installing", "Installed", "DownloadFailed", "InstallationFailed", "Idle"]) {
    await call("FirmwareStatusNotification", { status });
  }
  await call("SignedFirmwareStatusNotification", { status: "SignatureVerified", requestId: 1 });
  await call("LogStatusNotification", { status: "Uploaded", requestId: 1 });
  await call("SecurityEventNotification", { type: "StartupOfTheDevice", timestamp: now() });
  await call("SignCertificate", { csr: "-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n" });
  await call("Heartbeat", {});
  return transactionId;
}

function untilInputEnds() {
  return new Promise((resolve) => process.stdin.on("end", resolve).resume());
}

async function main() {
  const client = new RPCClient({ endpoint, identity, password, protocols: ["ocpp1.6"], strictMode: true, reconnect: false });
  client.on("strictValidationFailure", ({ method, outbound, isCall, error }) => {
    const who = outbound ? "charge point" : "central system";
    complaints.push(`${method} ${isCall ? "call" : "result"} of the ${who}: ${error.message} ${JSON.stringify(error.details)}`);
  });
  client.on("badMessage", ({ buffer, error }) => complaints.push(`bad message ${buffer}: ${error.message}`));
  client.handle(({ method }) => {
    if (!(method in ANSWERS)) {
      complaints.push(`${method}: no such call in 1.6`);
    }
    answered.push(method);
    return ANSWERS[method];
  });
  await client.connect();
  const transactionId = await session(client);
  print({ event: "listening" });
  await untilInputEnds();
  await client.close();
  print({ event: "done", transactionId, called, answered, complaints });
  return complaints.length ? 1 : 0;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    print({ event: "failed", error: `${error.name}: ${error.message}` });
    process.exit(1);
  },
);
