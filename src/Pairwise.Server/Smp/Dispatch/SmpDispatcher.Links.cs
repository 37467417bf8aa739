using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Dispatch;

/// <summary>Short links.</summary>
internal sealed partial class SmpDispatcher
{
    private SmpAnswer SetLink(SmpQueue queue, SmpCommand.LSet set)
    {
        if (queue.IsSecuredConversation)
        {
            return SmpAnswer.Of(SmpError.Auth.Instance); // its link was consumed
        }

        return SmpAnswer.OkOr(Queues.SetLink(queue, new QueueLink(set.Link, set.Content.Fixed.ToArray(), set.Content.User.ToArray())));
    }

    private SmpAnswer SecureByLink(SmpQueue queue, SmpCommand.LKey key)
    {
        if (queue.Use != QueueUse.Messaging)
        {
            return SmpAnswer.Of(SmpError.Auth.Instance);
        }

        SmpAnswer secured = Secure(queue, key.SenderAuthKey);
        return secured.Message is BrokerMessage.Ok ? AnswerLink(queue) : secured;
    }

    private static SmpAnswer ReadLink(SmpQueue queue) =>
        queue.IsContact ? AnswerLink(queue) : SmpAnswer.Of(SmpError.Auth.Instance);

    private static SmpAnswer AnswerLink(SmpQueue queue) => queue.Link is { } link
        ? SmpAnswer.Of(new BrokerMessage.Lnk(
            new SenderId(queue.SenderId.ToWireId()),
            new QueueLinkData(new BlockSlice(link.FixedPart), new BlockSlice(link.UserPart))))
        : SmpAnswer.Of(SmpError.Auth.Instance);
}
