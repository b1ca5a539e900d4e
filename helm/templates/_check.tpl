{{- /* Refuses values that cannot work together. */ -}}
{{- define "workcenter.check" -}}
{{- $_ := required "existingSecret: name the Secret that has DATABASE_URL and TOKEN_KEY" .Values.existingSecret -}}

{{- $pictures := .Values.pictures -}}
{{- if and $pictures.temporary $pictures.existingClaim -}}
{{- fail "pictures.temporary and pictures.existingClaim: pictures are either in a claim or temporary" -}}
{{- end -}}
{{- $bucket := .Values.settings.shared.blobUrl -}}
{{- if and $bucket (or $pictures.temporary $pictures.existingClaim) -}}
{{- fail "settings.shared.blobUrl: pictures are either in a bucket or in a folder; leave pictures.existingClaim and pictures.temporary unset" -}}
{{- end -}}
{{- if and (not $bucket) $pictures.temporary (gt (int .Values.server.replicas) 1) -}}
{{- fail "pictures.temporary: every server would have pictures of its own; set server.replicas to 1, or use a claim" -}}
{{- end -}}

{{- $keys := .Values.secretKeys -}}
{{- if ne (empty $keys.awsAccessKeyId) (empty $keys.awsSecretAccessKey) -}}
{{- fail "secretKeys.awsAccessKeyId and secretKeys.awsSecretAccessKey: the one opens nothing without the other" -}}
{{- end -}}

{{- $daemon := .Values.settings.daemon -}}
{{- if regexMatch "://[^/,]*@" $daemon.smtpUrl -}}
{{- fail "settings.daemon.smtpUrl: who signs in is smtpUser, and the password is in the Secret, where secretKeys.smtpPassword says" -}}
{{- end -}}
{{- if ne (empty $daemon.smtpUser) (empty $keys.smtpPassword) -}}
{{- fail "settings.daemon.smtpUser and secretKeys.smtpPassword: nobody signs in with the one alone" -}}
{{- end -}}
{{- if ne (empty $daemon.dkimSelector) (empty $keys.dkimKey) -}}
{{- fail "settings.daemon.dkimSelector and secretKeys.dkimKey: nothing is signed with the one alone" -}}
{{- end -}}
{{- if and $daemon.dkimDomain (empty $keys.dkimKey) -}}
{{- fail "settings.daemon.dkimDomain: nothing is signed without secretKeys.dkimKey" -}}
{{- end -}}
{{- $shared := .Values.settings.shared -}}
{{- if $daemon.smtpUrl -}}
{{- range list "mailFrom" "appUrl" "unsubscribeUrl" -}}
{{- if empty (get $shared .) -}}
{{- fail (printf "settings.shared.%s: is required with smtpUrl, for people will read it in their mail" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
