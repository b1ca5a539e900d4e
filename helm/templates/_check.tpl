{{- /* Refuses values that cannot work together. */ -}}
{{- define "workcenter.check" -}}
{{- include "workcenter.renamed" . -}}
{{- $_ := required "existingSecret: name the Secret that has DATABASE_URL and TOKEN_KEY" .Values.existingSecret -}}

{{- $pictures := .Values.pictures -}}
{{- if and $pictures.temporary $pictures.existingClaim -}}
{{- fail "pictures.temporary and pictures.existingClaim: pictures are either in a claim or temporary" -}}
{{- end -}}
{{- $bucket := .Values.settings.shared.blobUrl -}}
{{- if and $bucket (or $pictures.temporary $pictures.existingClaim) -}}
{{- fail "settings.shared.blobUrl: pictures are either in a bucket or in a folder; leave pictures.existingClaim and pictures.temporary unset" -}}
{{- end -}}
{{- $most := int (.Values.server.autoscaling.enabled | ternary .Values.server.autoscaling.maxReplicas .Values.server.replicas) -}}
{{- if and (not $bucket) $pictures.temporary (gt $most 1) -}}
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
{{- include "workcenter.check.scale" . -}}
{{- include "workcenter.check.tls" . -}}

{{- if and .Values.database.host (or (empty $keys.databaseUser) (empty $keys.databasePassword)) -}}
{{- fail "database.host: secretKeys.databaseUser and secretKeys.databasePassword say where the Secret has who signs in" -}}
{{- end -}}
{{- if and .Values.database.host $keys.migrationsDatabaseUrl -}}
{{- fail "secretKeys.migrationsDatabaseUrl: is not used with database.host" -}}
{{- end -}}
{{- end -}}

{{- /* Of how many pods there are to be. */ -}}
{{- define "workcenter.check.scale" -}}
{{- range $component := list "server" "daemon" -}}
{{- $values := get $.Values $component -}}
{{- $scaling := $values.autoscaling -}}
{{- $least := int ($scaling.enabled | ternary $scaling.minReplicas $values.replicas) -}}
{{- if and $scaling.enabled (gt $least (int $scaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling: minReplicas is more than maxReplicas" $component) -}}
{{- end -}}
{{- if and $scaling.enabled (not (or $scaling.cpuPercent $scaling.memoryPercent)) -}}
{{- fail (printf "%s.autoscaling: set cpuPercent or memoryPercent" $component) -}}
{{- end -}}
{{- if and $values.disruptionBudget.enabled (gt $least 1) (ge (int $values.disruptionBudget.minAvailable) $least) -}}
{{- fail (printf "%s.disruptionBudget.minAvailable: no pod could ever be moved; it must be less than the number of pods, %d" $component $least) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Of where the certificate is. */ -}}
{{- define "workcenter.check.tls" -}}
{{- with .Values.tls -}}
{{- if and .enabled (eq (empty .existingSecret) (not .certManager.enabled)) -}}
{{- fail "tls.enabled: the certificate is either in tls.existingSecret or made by tls.certManager" -}}
{{- end -}}
{{- if and .certManager.enabled (empty .certManager.issuerName) -}}
{{- fail "tls.certManager.issuerName: say who signs" -}}
{{- end -}}
{{- if and (not .enabled) (or .existingSecret .clientAuth .certManager.enabled) -}}
{{- fail "tls: nothing is encrypted without tls.enabled" -}}
{{- end -}}
{{- end -}}
{{- end -}}
