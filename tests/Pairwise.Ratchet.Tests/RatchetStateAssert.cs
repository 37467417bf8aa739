using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.TestKit;

namespace Pairwise.Ratchet.Tests;

/// <summary>Compares our values with the reference's as the vectors write them.</summary>
internal static class RatchetStateAssert
{
    private static readonly Dictionary<string, RatchetErrorKind> ErrorNames = new(StringComparer.Ordinal)
    {
        ["CryptoHeaderError"] = RatchetErrorKind.HeaderEncoding,
        ["CERatchetHeader"] = RatchetErrorKind.Header,
        ["CERatchetState"] = RatchetErrorKind.State,
        ["CERatchetKEMState"] = RatchetErrorKind.KemState,
        ["CERatchetDuplicateMessage"] = RatchetErrorKind.DuplicateMessage,
        ["CERatchetEarlierMessage"] = RatchetErrorKind.EarlierMessage,
        ["CERatchetTooManySkipped"] = RatchetErrorKind.TooManySkipped,
        ["AESDecryptError"] = RatchetErrorKind.Decryption,
        ["CryptoLargeMsgError"] = RatchetErrorKind.MessageTooLarge,
    };

    public static void AreEqual(JsonElement expected, RatchetState actual)
    {
        Assert.Equal(expected.GetProperty("currentVersion").GetInt32(), actual.Versions.Current.Value);
        Assert.Equal(expected.GetProperty("maxSupportedVersion").GetInt32(), actual.Versions.MaxSupported.Value);
        Assert.Equal(expected.Bytes("dhPrivateRaw"), actual.OwnKey.Raw.ToArray());
        Assert.Equal(expected.GetProperty("supportKEM").GetBoolean(), actual.SupportsPostQuantum);
        Assert.Equal(expected.GetProperty("enableKEM").GetBoolean(), actual.EnablesPostQuantum);
        Assert.Equal(expected.GetProperty("sndKEM").GetBoolean(), actual.SendsPostQuantum);
        Assert.Equal(expected.GetProperty("rcvKEM").GetBoolean(), actual.ReceivesPostQuantum);
        Assert.Equal(expected.Bytes("rootKey"), actual.RootKey.Span.ToArray());
        Assert.Equal(expected.GetProperty("Ns").GetUInt32(), actual.SendNumber);
        Assert.Equal(expected.GetProperty("Nr").GetUInt32(), actual.ReceiveNumber);
        Assert.Equal(expected.GetProperty("PN").GetUInt32(), actual.PreviousSendCount);
        Assert.Equal(expected.Bytes("nextSndHeaderKey"), actual.NextSendHeaderKey.Span.ToArray());
        Assert.Equal(expected.Bytes("nextRcvHeaderKey"), actual.NextReceiveHeaderKey.Span.ToArray());

        Assert.Equal(expected.Has("snd"), actual.CanSend);
        if (actual.Sending is { } sending)
        {
            var snd = expected.GetProperty("snd");
            Assert.Equal(snd.Bytes("remoteDhPublicRaw"), sending.PeerKey.Raw.ToArray());
            Assert.Equal(snd.Bytes("chainKey"), sending.ChainKey.Span.ToArray());
            Assert.Equal(snd.Bytes("headerKey"), sending.HeaderKey.Span.ToArray());
        }

        Assert.Equal(expected.Has("rcv"), actual.Receiving is not null);
        if (actual.Receiving is { } receiving)
        {
            var rcv = expected.GetProperty("rcv");
            Assert.Equal(rcv.Bytes("chainKey"), receiving.ChainKey.Span.ToArray());
            Assert.Equal(rcv.Bytes("headerKey"), receiving.HeaderKey.Span.ToArray());
        }

        Assert.Equal(expected.Has("kem"), actual.Kem is not null);
        if (actual.Kem is { } kem)
        {
            Assert.Equal(expected.GetProperty("kem").Bytes("publicKeySha256"), SHA256.HashData(kem.OwnKeys.PublicKey.Raw));
            AreEqual(expected.GetProperty("kem").GetProperty("accepted"), kem.Accepted);
        }
    }

    public static void AreEqual(JsonElement expected, AcceptedKem? actual)
    {
        Assert.Equal(expected.ValueKind != JsonValueKind.Null, actual is not null);
        if (actual is null)
            return;
        Assert.Equal(expected.Bytes("receivedKeySha256"), SHA256.HashData(actual.PeerKey.Raw));
        Assert.Equal(expected.Bytes("sharedSecret"), actual.SharedSecret.Span.ToArray());
        Assert.Equal(expected.Bytes("ciphertextSha256"), SHA256.HashData(actual.Ciphertext.Raw));
    }

    public static void AreEqual(JsonElement expected, SkippedKeyDiff actual)
    {
        switch (actual)
        {
            case SkippedKeyDiff.None:
                Assert.Equal(JsonValueKind.Null, expected.ValueKind);
                break;
            case SkippedKeyDiff.Removed removed:
                var gone = expected.GetProperty("removed");
                Assert.Equal(gone.Bytes("headerKey"), removed.Key.HeaderKey.ToArray());
                Assert.Equal(gone.GetProperty("n").GetUInt32(), removed.Key.Number);
                break;
            case SkippedKeyDiff.Added added:
                Assert.Equal(expected.GetProperty("addedCount").GetInt32(), added.Keys.Count);
                // Long lists are not spelled out in the record.
                if (expected.Has("added"))
                    Assert.Equal(Describe(expected.GetProperty("added")), Describe(added));
                break;
            default:
                Assert.Fail("unknown change");
                break;
        }
    }

    public static void IsError(JsonElement step, RatchetError? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(ErrorNames[step.GetProperty("error").GetString()!], actual.Value.Kind);
        if (actual.Value.Count != 0)
            Assert.EndsWith($" {actual.Value.Count}", step.GetProperty("errorDetail").GetString(), StringComparison.Ordinal);
    }

    // A line for each key: header key, number, message key and vector; the vectors' vector has its length in front.
    private static IEnumerable<string> Describe(JsonElement added) => added.EnumerateArray()
        .SelectMany(chain => chain.GetProperty("messageKeys").EnumerateArray().Select(key =>
            $"{chain.GetProperty("headerKey")} {key.GetProperty("n")} {key.GetProperty("key")}{key.GetProperty("iv").GetString()![2..]}"))
        .Order(StringComparer.Ordinal);

    private static IEnumerable<string> Describe(SkippedKeyDiff.Added added) => added.Keys
        .Select(key => $"{Convert.ToHexStringLower(key.HeaderKey)} {key.Number} {Convert.ToHexStringLower(key.MessageKey)}")
        .Order(StringComparer.Ordinal);
}
