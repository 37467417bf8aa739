using System.Text;
using Pairwise.Crypto;
using Pairwise.Ratchet;
using Pairwise.TestKit;

namespace Pairwise.Fuzz;

/// <summary>X3DH parameters, stored states and encrypted messages.</summary>
internal static class RatchetTargets
{
    private static readonly Lazy<byte[]> State = new(() => Parse(VectorFile.Load("agent_trace.json").Records[0]["messages"][2].GetProperty("ratchetStateBefore").GetString()!).Serialize());

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("ratchet parameters", [typeof(E2ERatchetParams)], () => Corpus.Bytes("agent_messages.json", "encoded"), input =>
            FuzzTarget.Stable(E2ERatchetParams.TryDecode(input, out var parameters), parameters, value => value.Encode(), bytes => E2ERatchetParams.TryDecode(bytes, out var again) ? again : null)),
        new("ratchet parameters of links", [typeof(E2ERatchetParamsUri)], () => Corpus.Bytes("agent_messages.json", "encodedBinary"), input =>
            FuzzTarget.Stable(E2ERatchetParamsUri.TryDecode(input, out var parameters), parameters, value => value.Encode(), bytes => E2ERatchetParamsUri.TryDecode(bytes, out var again) ? again : null)),
        new("ratchet parameters as text", [], () => Corpus.Texts("agent_messages.json", "encodedText"), input =>
            FuzzTarget.Stable(E2ERatchetParamsUri.TryParse(input, out var parameters), parameters, value => Encoding.UTF8.GetBytes(value.ToText()), bytes => E2ERatchetParamsUri.TryParse(bytes, out var again) ? again : null)),
        new("ratchet stored state", [typeof(RatchetState)], () => [State.Value], input =>
        {
            if (!RatchetState.TryDeserialize(input, out var state))
            {
                return false;
            }

            using (state)
            {
                return FuzzTarget.Stable(true, state, value => value.Serialize(), bytes => RatchetState.TryDeserialize(bytes, out var again) ? again : null);
            }
        }),
        new("ratchet state of the reference", [typeof(ReferenceRatchetJson)], () => Corpus.Texts("agent_trace.json", "ratchetStateBefore"), input =>
        {
            var isParsed = ReferenceRatchetJson.TryParse(input, out var state);
            state?.Dispose();
            return isParsed;
        })
        { Cost = 5 },
        new("ratchet X3DH keys", [typeof(X3dhKeys)], StoredKeys, input =>
        {
            var isParsed = X3dhKeys.TryDeserialize(input, out var keys);
            keys?.Dispose();
            return isParsed;
        })
        { Cost = 2 },
        new("ratchet message key", [typeof(MessageEncryptKey)], MessageKeys, input =>
        {
            var isParsed = MessageEncryptKey.TryDeserialize(input, out var key);
            key?.Dispose();
            return isParsed;
        }),
        new("ratchet message", [], () => Corpus.Bytes("agent_trace.json", "encryptedRatchetMessage"), Decrypt) { Cost = 4 },
    ];

    private static bool Decrypt(byte[] input)
    {
        if (!RatchetState.TryDeserialize(State.Value, out var state))
        {
            throw new FuzzException("The state is not a state.");
        }

        using (state)
        using (var skipped = new SkippedKeys())
        using (var decryption = DoubleRatchet.Decrypt(SystemRandom.Instance, state, skipped, input))
        {
            return decryption.Error is null;
        }
    }

    private static byte[][] StoredKeys()
    {
        using var plain = X3dh.GenerateInitiating(SystemRandom.Instance, E2EVersions.KdfX3dh, proposesKem: false);
        using var postQuantum = X3dh.GenerateInitiating(SystemRandom.Instance, E2EVersions.Current, proposesKem: true);
        return [plain.Serialize(), postQuantum.Serialize()];
    }

    private static byte[][] MessageKeys()
    {
        if (!RatchetState.TryDeserialize(State.Value, out var state))
        {
            throw new FuzzException("The state is not a state.");
        }

        using (state)
        {
            return DoubleRatchet.TryPrepare(state, postQuantum: null, E2EVersions.Current, out var key, out var next, out _)
                ? [Take(key, next)]
                : throw new FuzzException("The state cannot send.");
        }

        static byte[] Take(MessageEncryptKey key, RatchetState next)
        {
            using (key)
            using (next)
            {
                return key.Serialize();
            }
        }
    }

    private static RatchetState Parse(string json) =>
        ReferenceRatchetJson.TryParse(Encoding.UTF8.GetBytes(json), out var state) ? state : throw new FuzzException("not a stored ratchet");
}
