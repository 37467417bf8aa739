using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Connections;

/// <summary>What is known of one transmission's signature before its turn comes.</summary>
/// <param name="Signature">The signature's place in the block: it tells the transmission from every other.</param>
/// <param name="Key">The key that the queue had; of kind None when there was no queue or no key.</param>
/// <param name="IsRight">Whether the key made the signature.</param>
internal readonly record struct SignatureVerdict(ReadOnlyMemory<byte> Signature, StoredKey Key, bool IsRight)
{
    /// <summary>Whether the verdict answers this question: the same transmission, and the queue's key still the same.</summary>
    public bool Answers(in StoredKey key, ReadOnlyMemory<byte> signature) => !signature.IsEmpty && Signature.Equals(signature) && Key.SameAs(key);
}

/// <summary>
/// Verifies signatures of a full block on other cores, from its end, while the connection's reader carries out its
/// commands from the beginning: what a client sends when it comes back is mostly signatures. Where both meet, the reader
/// goes on with the verdicts it finds, and waits for none. A key that the block itself changed is verified again.
/// </summary>
/// <remarks>
/// A signature that cannot be right costs what it costs otherwise, so times tell no more than without this. Helpers read
/// copies: the block goes back to its pool when the reader is done with it.
/// </remarks>
internal sealed class SignaturesAhead : IThreadPoolWorkItem
{
    private const int MinTransmissions = 16; // below, waking another core costs more than it saves
    private const int MinForEachHelper = 8;
    private const int MaxSigned = 512; // longer commands are few to a block

    private readonly Question[] _questions;
    private int _reader = -1;
    private int _back;

    private SignaturesAhead(Question[] questions)
    {
        _questions = questions;
        _back = questions.Length;
    }

    private enum Verdict
    {
        Unknown,
        Right,
        Wrong,
    }

    /// <summary>Has other cores begin with a block, unless it is not worth it: then null.</summary>
    public static SignaturesAhead? Start(BatchReader batch, TransmissionFormat format, SmpCommandHandler handler)
    {
        if (batch.Remaining < MinTransmissions || Environment.ProcessorCount == 1)
        {
            return null;
        }

        Question[] questions = new Question[batch.Remaining];
        int signatures = 0;
        for (int i = 0; batch.TryReadNext(out Transmission transmission); i++)
        {
            signatures += TryAsk(transmission, format, handler, ref questions[i]) ? 1 : 0;
        }

        SignaturesAhead ahead = new(questions);
        for (int helpers = Math.Min(Environment.ProcessorCount - 1, signatures / MinForEachHelper); helpers > 0; helpers--)
        {
            ThreadPool.UnsafeQueueUserWorkItem(ahead, preferLocal: false);
        }

        return ahead;
    }

    /// <summary>The reader has come to a transmission: what is known of it.</summary>
    public SignatureVerdict Reach(int index)
    {
        Volatile.Write(ref _reader, index);
        ref Question question = ref _questions[index];
        Verdict verdict = (Verdict)Volatile.Read(ref question.Verdict);
        return verdict == Verdict.Unknown ? default : new SignatureVerdict(question.Place, question.Key, verdict == Verdict.Right);
    }

    // A helper: one question after the other, until it meets the reader.
    void IThreadPoolWorkItem.Execute()
    {
        while (Interlocked.Decrement(ref _back) is var index && index > Volatile.Read(ref _reader))
        {
            ref Question question = ref _questions[index];
            if (question.Copy is { } copy)
            {
                int length = question.Place.Length;
                bool isRight = SmpAuthorizer.VerifySignature(question.Key, copy.AsSpan(0, length), copy.AsSpan(length));
                Volatile.Write(ref question.Verdict, (int)(isRight ? Verdict.Right : Verdict.Wrong));
            }
        }
    }

    private static bool TryAsk(in Transmission transmission, TransmissionFormat format, SmpCommandHandler handler, ref Question question)
    {
        // What a service signs together with a command is put together when the command's turn comes.
        Authorization authorization = transmission.Authorization;
        if (authorization.Kind != AuthorizationKind.Signature
            || !authorization.ServiceSignature.IsEmpty
            || transmission.GetSignedLength(format) > MaxSigned
            || !transmission.TryDecodeCommand(format.Version, out SmpCommand? command, out _)
            || !handler.TryFindKey(command, transmission.Entity, out question.Key))
        {
            return false;
        }

        ReadOnlySpan<byte> signed = transmission.GetSigned(format, stackalloc byte[MaxSigned]);
        question.Place = authorization.Content.Memory;
        question.Copy = [.. authorization.Content.Span, .. signed];
        return true;
    }

    private struct Question
    {
        public StoredKey Key;
        public ReadOnlyMemory<byte> Place;
        public byte[]? Copy; // the signature and what it covers
        public int Verdict;
    }
}
